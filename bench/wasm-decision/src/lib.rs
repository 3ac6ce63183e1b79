//! What runs for every request, for engines of WebAssembly: `prepare` a kernel by its number, then
//! `run` it as often as it takes to know how fast it is.
#![allow(unsafe_code)]

use std::cell::RefCell;

use breakglass_bench::kernel::Kernel;

thread_local! {
    static KERNEL: RefCell<Option<Kernel>> = const { RefCell::new(None) };
}

/// Makes the kernel of this number; returns 0 if there is none.
// SAFETY: no other function of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(number: u32) -> u32 {
    let kernel = Kernel::new(number as usize);
    let made = u32::from(kernel.is_some());
    KERNEL.set(kernel);
    made
}

/// Does its work so many times.
// SAFETY: no other function of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn run(times: u32) -> u32 {
    KERNEL.with_borrow_mut(|kernel| {
        let ran = kernel.as_mut().map(|kernel| kernel.run(times as usize));
        ran.map_or(0, |counted| u32::try_from(counted).unwrap_or(u32::MAX))
    })
}

/// Where the name of a kernel is.
// SAFETY: no other function of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn name(number: u32) -> *const u8 {
    name_of(number).as_ptr()
}

/// How many bytes it has; 0 if there is no such kernel.
// SAFETY: no other function of this name is linked in.
#[unsafe(no_mangle)]
pub extern "C" fn name_length(number: u32) -> usize {
    name_of(number).len()
}

fn name_of(number: u32) -> &'static str {
    Kernel::NAMES.get(number as usize).copied().unwrap_or("")
}
