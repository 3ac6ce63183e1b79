//! The status words of ABI 0.2.1.

/// What a host call answers, numbered as proxy-wasm numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// The call did what it says.
    Ok = 0,
    /// No such key, metric, property or buffer.
    NotFound = 1,
    /// The argument is wrong, or the object is not there in this phase.
    BadArgument = 2,
    /// A value could not be written.
    SerializationFailure = 3,
    /// A value could not be read.
    ParseFailure = 4,
    /// A pointer of the guest lies outside its memory.
    InvalidMemoryAccess = 6,
    /// A queue has nothing to give.
    Empty = 7,
    /// The value moved since it was read.
    CasMismatch = 8,
    /// The host failed.
    InternalFailure = 10,
    /// The host does not have this call.
    Unimplemented = 12,
}

/// Why a host call did not do what the guest asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The guest gets a status and goes on.
    Status(Status),
    /// The host ends the guest's run.
    Trap(String),
}

/// What the body of a host call yields.
pub(crate) type HostResult<T = ()> = Result<T, Refusal>;

// === impl Refusal ===

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl Refusal {
    pub(crate) fn trap(message: impl Into<String>) -> Self {
        Self::Trap(message.into())
    }
}
