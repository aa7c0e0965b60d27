//! Functions with effects that no read-only transaction stops, or that hide a read from its estimate, each
//! with what it does. `*` ends a prefix. Refused by name in whichever schema: extensions go where they like.

/// Name or prefix, and what it does.
pub(super) const REFUSED: &[(&str, &str)] = &[
    // Other sessions and the server.
    ("pg_terminate_backend", "ends another session"),
    ("pg_cancel_backend", "cancels another session's statement"),
    ("pg_reload_conf", "makes the server read its configuration anew"),
    ("pg_rotate_logfile*", "switches the server's log file"),
    ("pg_log_backend_memory_contexts", "writes to the server's log"),
    ("pg_log_standby_snapshot", "writes to the write-ahead log"),
    ("pg_logfile_rotate", "switches the server's log file"),
    ("pg_promote", "ends recovery: the standby becomes a primary"),
    ("pg_wal_replay_*", "stops or resumes replay on a standby"),
    ("pg_switch_wal", "switches the write-ahead log file"),
    ("pg_create_*", "creates a restore point or a replication slot"),
    ("pg_drop_*", "drops a replication slot"),
    ("pg_backup_*", "starts or ends a backup"),
    ("pg_start_backup", "starts a backup"),
    ("pg_stop_backup", "ends a backup"),
    ("pg_export_snapshot", "exports a snapshot that others can hold on to"),
    ("pg_extension_config_dump", "changes an extension"),
    ("pg_import_system_collations", "writes to the catalogue"),
    ("pg_nextoid", "uses up an object number"),
    ("pg_stop_making_pinned_objects", "changes the server's state"),
    ("binary_upgrade_*", "is for pg_upgrade and changes the server's state"),
    // Replication.
    ("pg_logical_slot_get_*", "takes changes out of a replication slot: its consumer loses them"),
    ("pg_logical_slot_peek_*", "decodes all log kept for a replication slot, however little is asked for"),
    ("pg_logical_*", "writes to the write-ahead log"),
    ("pg_replication_origin_*", "acts on replication origins"),
    ("pg_replication_slot_advance", "moves a replication slot: its consumer loses changes"),
    ("pg_copy_logical_replication_slot", "creates a replication slot, which retains log"),
    ("pg_copy_physical_replication_slot", "creates a replication slot, which retains log"),
    ("pg_sync_replication_slots", "changes replication slots"),
    // Locks, waiting, messages.
    ("pg_advisory_*", "takes or gives back an advisory lock"),
    ("pg_try_advisory_*", "takes an advisory lock"),
    ("pg_sleep*", "keeps the connection and its snapshot waiting"),
    ("pg_notify", "sends a notification to other sessions"),
    // Session and transaction.
    ("set_config", "changes a setting, and could end the read-only transaction"),
    ("setseed", "changes the session's random numbers"),
    ("txid_current", "assigns a transaction number: it writes"),
    ("pg_current_xact_id", "assigns a transaction number: it writes"),
    ("nextval", "takes a number from a sequence"),
    ("setval", "sets a sequence"),
    // Statistics and maintenance.
    ("pg_stat_reset*", "resets statistics"),
    ("pg_stat_clear_snapshot", "changes the session's view of statistics"),
    ("pg_stat_force_next_flush", "writes statistics"),
    ("pg_stat_statements_reset", "resets statistics"),
    ("pg_restore_*", "writes statistics"),
    ("pg_clear_*", "deletes statistics"),
    ("brin_summarize_*", "writes to an index"),
    ("brin_desummarize_range", "writes to an index"),
    ("gin_clean_pending_list", "writes to an index"),
    ("pg_prewarm", "fills the server's cache"),
    ("autoprewarm_*", "acts on the server's cache"),
    ("pg_buffercache_evict*", "empties the server's cache"),
    ("pg_truncate_visibility_map", "changes a table's visibility map"),
    ("heap_force_*", "changes rows beneath the server"),
    // Files of the server.
    ("pg_read_file*", "reads a file of the server"),
    ("pg_read_binary_file*", "reads a file of the server"),
    ("pg_ls_*", "lists a folder of the server"),
    ("pg_stat_file", "looks at a file of the server"),
    ("pg_current_logfile", "looks at a file of the server"),
    ("pg_hba_file_rules", "reads a file of the server"),
    ("pg_ident_file_mappings", "reads a file of the server"),
    ("pg_show_all_file_settings", "reads a file of the server"),
    ("pg_file_*", "writes or deletes a file of the server"),
    ("pg_logdir_ls", "lists a folder of the server"),
    ("lo_*", "acts on large objects"),
    ("loread", "acts on large objects"),
    ("lowrite", "acts on large objects"),
    ("fmgr_c_validator", "loads a library into the server"),
    ("fmgr_internal_validator", "is not for queries"),
    ("fmgr_sql_validator", "is not for queries"),
    ("plpgsql_validator", "is not for queries"),
    ("postgresql_fdw_validator", "is not for queries"),
    // Other servers.
    ("dblink*", "reaches another server"),
    ("postgres_fdw_*", "acts on connections to another server"),
    ("http", "reaches another server"),
    ("http_*", "reaches another server"),
    // Texts that are run, and tables read behind the plan's back.
    ("query_to_xml*", "runs the text it is given"),
    ("cursor_to_xml*", "runs the text it is given"),
    ("table_to_xml*", "reads a whole table behind the plan's back"),
    ("schema_to_xml*", "reads whole tables behind the plan's back"),
    ("database_to_xml*", "reads whole tables behind the plan's back"),
    ("ts_stat", "runs the text it is given"),
    ("ts_rewrite", "may run the text it is given"),
    ("crosstab*", "runs the text it is given"),
    ("connectby", "runs a text made of what it is given"),
    ("xpath_table", "runs a text made of what it is given"),
];

/// Volatile built-ins that only read: what they answer changes while a statement runs, and that is all.
pub(super) const VOLATILE_READS: &str = "
    random random_normal array_sample array_shuffle gen_random_uuid uuidv4 uuidv7
    clock_timestamp timeofday current_query currval lastval
    pg_relation_size pg_table_size pg_total_relation_size pg_indexes_size pg_database_size pg_tablespace_size
    pg_blocking_pids pg_safe_snapshot_blocking_pids pg_lock_status pg_prepared_xact
    pg_is_in_recovery pg_is_wal_replay_paused pg_get_wal_replay_pause_state
    pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
    pg_current_wal_lsn pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_get_wal_resource_managers
    pg_available_wal_summaries pg_get_wal_summarizer_state
    pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system
    pg_last_committed_xact pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status txid_status
    pg_get_multixact_members pg_partition_tree pg_partition_ancestors
    pg_sequence_last_value pg_get_sequence_data pg_notification_queue_usage pg_show_replication_origin_status
    pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
    pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans
    pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated
    pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_inserted
    pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated
    pg_stat_have_stats pg_stat_get_recovery_prefetch pg_stat_get_io pg_stat_get_backend_io
    pg_stat_get_backend_wal pg_get_wait_events pg_get_shmem_allocations pg_get_backend_memory_contexts
    pg_collation_actual_version pg_database_collation_actual_version
";

/// Names of the grammar that look like functions: no schema, no catalogue row.
pub(super) const GRAMMAR: &str = "
    coalesce nullif greatest least array row grouping
    current_catalog current_date current_role current_schema current_time current_timestamp current_user
    localtime localtimestamp session_user system_user user
    xmlelement xmlforest xmlconcat xmlparse xmlpi xmlroot xmlserialize xmlattributes
    json json_array json_arrayagg json_objectagg json_scalar json_serialize json_value json_query json_exists
    treat
";
