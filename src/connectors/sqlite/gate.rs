//! SQLite's rules for the SQL gate: its dialect, its built-in functions, the pragmas that only read.

mod rewrite;

use std::sync::LazyLock;

use sqlparser::dialect::SQLiteDialect;

use crate::kit::sql::gate::{
    self, Argument, Explaining, Fields, Folding, Lexis, Names, Pragma, Rules, Variables,
};
use crate::model::gate::GateVerdict;

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    dialect: &SQLiteDialect {},
    rewrite: rewrite::rewrite,
    folding: Folding::All,
    functions: Names::parse(include_str!("functions.txt")),
    allocating: Names::parse("zeroblob randomblob printf format"),
    table_functions: Names::parse(include_str!("table_functions.txt")),
    refused_relations: Names::parse("sqlite_dbpage sqlite_dbdata sqlite_dbptr fsdir"),
    function_prefix: Some("pragma_"),
    pragmas: PRAGMAS,
    variables: Variables::Refused,
    refused_functions: &[],
    builtin_schema: None,
    operators: None,
    lexis: Lexis::Plain,
    fields: Fields::Columns,
    explaining: Explaining::Anything,
    statements: &[],
});

const SCANS: Option<&str> = Some("reads every page of the database");

const PRAGMAS: &[Pragma] = &[
    Pragma { name: "application_id", argument: Argument::None, caution: None },
    Pragma { name: "auto_vacuum", argument: Argument::None, caution: None },
    Pragma { name: "cache_size", argument: Argument::None, caution: None },
    Pragma { name: "collation_list", argument: Argument::None, caution: None },
    Pragma { name: "compile_options", argument: Argument::None, caution: None },
    Pragma { name: "data_version", argument: Argument::None, caution: None },
    Pragma { name: "database_list", argument: Argument::None, caution: None },
    Pragma { name: "encoding", argument: Argument::None, caution: None },
    Pragma { name: "foreign_key_check", argument: Argument::Optional, caution: SCANS },
    Pragma { name: "foreign_key_list", argument: Argument::One, caution: None },
    Pragma { name: "foreign_keys", argument: Argument::None, caution: None },
    Pragma { name: "freelist_count", argument: Argument::None, caution: None },
    Pragma { name: "function_list", argument: Argument::None, caution: None },
    Pragma { name: "index_info", argument: Argument::One, caution: None },
    Pragma { name: "index_list", argument: Argument::One, caution: None },
    Pragma { name: "index_xinfo", argument: Argument::One, caution: None },
    Pragma { name: "integrity_check", argument: Argument::Optional, caution: SCANS },
    Pragma { name: "journal_mode", argument: Argument::None, caution: None },
    Pragma { name: "module_list", argument: Argument::None, caution: None },
    Pragma { name: "page_count", argument: Argument::None, caution: None },
    Pragma { name: "page_size", argument: Argument::None, caution: None },
    Pragma { name: "pragma_list", argument: Argument::None, caution: None },
    Pragma { name: "query_only", argument: Argument::None, caution: None },
    Pragma { name: "quick_check", argument: Argument::Optional, caution: SCANS },
    Pragma { name: "schema_version", argument: Argument::None, caution: None },
    Pragma { name: "table_info", argument: Argument::One, caution: None },
    Pragma { name: "table_list", argument: Argument::Optional, caution: None },
    Pragma { name: "table_xinfo", argument: Argument::One, caution: None },
    Pragma { name: "user_version", argument: Argument::None, caution: None },
];

/// Whether a text is one statement that only reads.
pub fn judge(sql: &str) -> GateVerdict {
    gate::judge(sql, &RULES)
}

#[cfg(test)]
mod tests;
