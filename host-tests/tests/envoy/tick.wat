;; A filter that tries on every tick to write into the answer of the last stream it saw, once that has
;; begun, and logs the status of the call. What its answer callback returns is the constant `$verdict`:
;; 0 lets the body go on, 1 keeps it back.
(module
  (import "env" "proxy_set_tick_period_milliseconds" (func $period (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes"
    (func $set (param $buffer i32) (param $start i32) (param $size i32) (param $value i32) (param $length i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
  (import "env" "proxy_log" (func $log (param $level i32) (param $message i32) (param $size i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "from a tick: status 00")
  (data (i32.const 128) "TICK")
  (global $verdict i32 (i32.const 0))
  (global $stream (mut i32) (i32.const 0))
  (global $body i32 (i32.const 1))

  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $period (i32.const 20)))
    (i32.const 1))
  (func (export "proxy_on_response_body") (param $context i32) (param $size i32) (param $end i32) (result i32)
    ;; What was kept back is still there after its end, what went on may be gone.
    (if (i32.or (i32.eqz (local.get $end)) (global.get $verdict)) (then (global.set $stream (local.get $context))))
    (global.get $verdict))
  (func (export "proxy_on_tick") (param $root i32)
    (local $status i32)
    (if (global.get $stream) (then
      (drop (call $effective (global.get $stream)))
      (local.set $status (call $set (global.get $body) (i32.const 0) (i32.const 0) (i32.const 128) (i32.const 4)))
      (i32.store8 (i32.const 84) (i32.add (i32.const 48) (i32.div_u (local.get $status) (i32.const 10))))
      (i32.store8 (i32.const 85) (i32.add (i32.const 48) (i32.rem_u (local.get $status) (i32.const 10))))
      (drop (call $log (i32.const 2) (i32.const 64) (i32.const 22)))
      (if (global.get $verdict) (then (drop (call $continue (i32.const 1)))))
      (global.set $stream (i32.const 0))
      (drop (call $effective (local.get $root)))))))
