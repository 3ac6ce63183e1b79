//! The guest's memory, seen from a host call.

use wasmtime::{Caller, Memory};

use crate::{
    host::HostState,
    status::{HostResult, Refusal, Status},
};

/// A guest in the middle of a host call.
pub(crate) struct Guest<'a, 'b> {
    caller: &'a mut Caller<'b, HostState>,
}

// === impl Guest ===

impl<'a, 'b> Guest<'a, 'b> {
    pub(crate) fn new(caller: &'a mut Caller<'b, HostState>) -> Self {
        Self { caller }
    }

    pub(crate) fn host(&mut self) -> &mut HostState {
        self.caller.data_mut()
    }

    /// Copies bytes out of the guest. A range outside its memory is a status, not a trap.
    pub(crate) fn read(&mut self, at: u32, len: u32) -> HostResult<Vec<u8>> {
        let memory = self.memory()?;
        let bytes = memory.data(&*self.caller);
        let start = index(at);
        let bytes = start
            .checked_add(index(len))
            .and_then(|end| bytes.get(start..end))
            .ok_or(Status::InvalidMemoryAccess)?;
        Ok(bytes.to_vec())
    }

    /// As [`Guest::read`], for names. Bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn read_text(&mut self, at: u32, len: u32) -> HostResult<String> {
        let bytes = self.read(at, len)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    pub(crate) fn read_u32(&mut self, at: u32) -> HostResult<u32> {
        let bytes = self.read(at, 4)?;
        let word = bytes.try_into().map_err(|_| Status::InvalidMemoryAccess)?;
        Ok(u32::from_le_bytes(word))
    }

    pub(crate) fn write(&mut self, at: u32, bytes: &[u8]) -> HostResult {
        let memory = self.memory()?;
        memory
            .write(&mut *self.caller, index(at), bytes)
            .map_err(|_| Status::InvalidMemoryAccess.into())
    }

    pub(crate) fn write_u32(&mut self, at: u32, value: u32) -> HostResult {
        self.write(at, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, at: u32, value: u64) -> HostResult {
        self.write(at, &value.to_le_bytes())
    }

    /// Hands bytes to the guest in memory that the guest allocates. Nothing is allocated for no bytes: the
    /// pointer is null then.
    pub(crate) fn give(&mut self, bytes: &[u8], return_at: u32, return_len: u32) -> HostResult {
        let len = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let at = match len {
            0 => 0,
            len => self.allocate(len)?,
        };
        self.write(at, bytes)?;
        self.write_u32(return_at, at)?;
        self.write_u32(return_len, len)
    }

    fn allocate(&mut self, len: u32) -> HostResult<u32> {
        let Some(allocate) = self.host().allocate.clone() else {
            return Err(Refusal::trap("the module exports no allocator"));
        };
        let at = allocate
            .call(&mut *self.caller, len)
            .map_err(|error| Refusal::trap(format!("the guest's allocator: {error:#}")))?;
        match at {
            0 => Err(Status::InvalidMemoryAccess.into()),
            at => Ok(at),
        }
    }

    fn memory(&mut self) -> HostResult<Memory> {
        if let Some(memory) = self.host().memory {
            return Ok(memory);
        }
        // Calls that come from the module's own start section, before the host has seen its exports.
        self.caller
            .get_export("memory")
            .and_then(wasmtime::Extern::into_memory)
            .ok_or_else(|| Refusal::trap("the module exports no memory"))
    }
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
