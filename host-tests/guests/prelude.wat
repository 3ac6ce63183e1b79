;; Fields that every guest here begins with: the host's calls, a memory, an allocator and a voice.
;; The test harness puts them in front of the guest's own fields and wraps both in (module ...).
;;
;; Memory: guests keep their texts below 0x4000; the voice writes at 0x4000; host calls return through 0x4800;
;; allocations go round in 0x8000..0x20000, which is enough for what the tests hand over.
(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_value" (func $get_header (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_pairs" (func $get_headers (param i32 i32 i32) (result i32)))
(import "env" "proxy_add_header_map_value" (func $add_header (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_replace_header_map_value" (func $set_header (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_remove_header_map_value" (func $remove_header (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_buffer_bytes" (func $get_buffer (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_property" (func $get_property (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_shared_data" (func $get_shared (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_define_metric" (func $define_metric (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
(import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))
(import "env" "proxy_get_metric" (func $get_metric (param i32 i32) (result i32)))
(import "env" "proxy_set_tick_period_milliseconds" (func $set_tick (param i32) (result i32)))
(import "env" "proxy_set_effective_context" (func $act_for (param i32) (result i32)))
(import "env" "proxy_get_current_time_nanoseconds" (func $get_time (param i32) (result i32)))
(import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
(import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
(import "env" "proxy_done" (func $proxy_done (result i32)))
(import "env" "proxy_send_local_response"
  (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_call_foreign_function"
  (func $call_foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))

(memory (export "memory") 2)
(func (export "proxy_abi_version_0_2_1"))

(global $free (mut i32) (i32.const 0x8000))
(func $allocate (export "malloc") (param $size i32) (result i32)
  (local $at i32)
  (if (i32.gt_u (i32.add (global.get $free) (local.get $size)) (i32.const 0x20000))
    (then (global.set $free (i32.const 0x8000))))
  (local.set $at (global.get $free))
  (global.set $free (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
  (local.get $at))

;; Where host calls return a pointer, a length and a compare-and-swap number.
(global $ptr i32 (i32.const 0x4800))
(global $len i32 (i32.const 0x4804))
(global $cas i32 (i32.const 0x4808))

;; Logs the text at $at, then a number, as "text 12".
(func $say (param $at i32) (param $len i32) (param $n i32)
  (local $digits i32)
  (memory.copy (i32.const 0x4000) (local.get $at) (local.get $len))
  (i32.store8 (i32.add (i32.const 0x4000) (local.get $len)) (i32.const 32))
  (local.set $digits (i32.const 0x4700))
  (loop $next
    (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
    (i32.store8 (local.get $digits) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
    (br_if $next (local.get $n)))
  (memory.copy
    (i32.add (i32.add (i32.const 0x4000) (local.get $len)) (i32.const 1))
    (local.get $digits)
    (i32.sub (i32.const 0x4700) (local.get $digits)))
  (drop (call $log (i32.const 2) (i32.const 0x4000)
    (i32.add (i32.add (local.get $len) (i32.const 1)) (i32.sub (i32.const 0x4700) (local.get $digits))))))

;; The first byte of the plugin configuration, 0 if there is none.
(func $config_byte (result i32)
  (i32.store (global.get $len) (i32.const 0))
  (drop (call $get_buffer (i32.const 7) (i32.const 0) (i32.const 1) (global.get $ptr) (global.get $len)))
  (if (result i32) (i32.load (global.get $len))
    (then (i32.load8_u (i32.load (global.get $ptr))))
    (else (i32.const 0))))

;; The first byte of a request header, 0 if it is not there.
(func $header_byte (param $at i32) (param $size i32) (result i32)
  (i32.store (global.get $len) (i32.const 0))
  (drop (call $get_header (i32.const 0) (local.get $at) (local.get $size) (global.get $ptr) (global.get $len)))
  (if (result i32) (i32.load (global.get $len))
    (then (i32.load8_u (i32.load (global.get $ptr))))
    (else (i32.const 0))))
