#![no_main]

#[path = "../src/mutate.rs"]
mod mutate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| breakglass_redact_fuzz::scanner(data));
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
