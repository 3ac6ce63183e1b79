;; A filter that traps on every request with a header `x-trap`, and otherwise does nothing.
(module
  (import "env" "proxy_get_header_map_value"
    (func $header (param $map i32) (param $name i32) (param $size i32) (param $value i32) (param $length i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "x-trap")

  (func (export "proxy_abi_version_0_2_1"))
  ;; The values that are asked for are short and never kept.
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_request_headers") (param $context i32) (param $headers i32) (param $end i32) (result i32)
    (i32.store (i32.const 8) (i32.const 0))
    (drop (call $header (i32.const 0) (i32.const 16) (i32.const 6) (i32.const 4) (i32.const 8)))
    (if (i32.load (i32.const 8)) (then (unreachable)))
    (i32.const 0)))
