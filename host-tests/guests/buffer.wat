;; Pauses both bodies until their end, then puts a mark before what has come together. Tells every size.
(data (i32.const 0) "request body")
(data (i32.const 16) "response body")
(data (i32.const 32) "all:")
(data (i32.const 48) "body in trailers")

(func $hold (param $buffer i32) (param $end i32) (result i32)
  (if (result i32) (local.get $end)
    (then
      (drop (call $set_buffer (local.get $buffer) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 4)))
      (i32.const 0))
    (else (i32.const 1))))

(func (export "proxy_on_request_body") (param i32) (param $size i32) (param $end i32) (result i32)
  (call $say (i32.const 0) (i32.const 12) (local.get $size))
  (call $hold (i32.const 0) (local.get $end)))

(func (export "proxy_on_response_body") (param i32) (param $size i32) (param $end i32) (result i32)
  (call $say (i32.const 16) (i32.const 13) (local.get $size))
  (call $hold (i32.const 1) (local.get $end)))

;; A body that is held at its trailers is still there.
(func (export "proxy_on_request_trailers") (param i32 i32) (result i32)
  (i32.store (global.get $len) (i32.const 0))
  (drop (call $get_buffer (i32.const 0) (i32.const 0) (i32.const 1000) (global.get $ptr) (global.get $len)))
  (call $say (i32.const 48) (i32.const 16) (i32.load (global.get $len)))
  (i32.const 0))
