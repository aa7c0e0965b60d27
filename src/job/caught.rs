//! Panics that become errors: a library that gives up by panicking is no bug of ours, and is told once, as the
//! error it becomes, not by the panic hook as well.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::Result;

thread_local! {
    /// How many calls of [`catch`] are open on this thread.
    static OPEN: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work`; a panic in it ends as the error that `otherwise` makes. What `work` held half-done must not be
/// used afterwards.
pub fn catch<T>(
    work: impl FnOnce() -> Result<T>,
    otherwise: impl FnOnce() -> crate::model::Error,
) -> Result<T> {
    OPEN.set(OPEN.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    OPEN.set(OPEN.get() - 1);
    result.unwrap_or_else(|_panic| Err(otherwise()))
}

/// Whether a panic on this thread would end in a [`catch`]: the hook then keeps quiet.
pub fn is_open() -> bool {
    OPEN.get() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Error;

    #[test]
    fn a_panic_inside_becomes_the_error_and_later_ones_are_none_of_its_business() {
        let result = catch::<()>(
            || {
                assert!(is_open());
                panic!("a library gave up");
            },
            || Error::cancelled("read"),
        );
        assert_eq!(result, Err(Error::cancelled("read")));
        assert!(!is_open());
        assert_eq!(catch(|| Ok(1), || Error::cancelled("read")), Ok(1));
    }
}
