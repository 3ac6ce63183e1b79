;; Dies when x-trap says how: u unreachable, s a store out of bounds, l a loop without end, p only in the
;; response headers, b only in the response body. Counts what it survives.
(data (i32.const 0) "x-trap")
(global $how (mut i32) (i32.const 0))

(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
  (global.set $how (call $header_byte (i32.const 0) (i32.const 6)))
  (if (i32.eq (global.get $how) (i32.const 117)) (then unreachable))
  (if (i32.eq (global.get $how) (i32.const 115)) (then (i32.store (i32.const -8) (i32.const 1))))
  (if (i32.eq (global.get $how) (i32.const 108)) (then (loop $forever (br $forever))))
  (i32.const 0))

(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
  (if (i32.eq (global.get $how) (i32.const 112)) (then unreachable))
  (i32.const 0))

(func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
  (if (i32.eq (global.get $how) (i32.const 98)) (then unreachable))
  (i32.const 0))
