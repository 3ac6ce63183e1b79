;; Replaces each response chunk, drops each request chunk but the last, adds trailers to the response.
(data (i32.const 0) "[chunk]")
(data (i32.const 16) "[end]")
(data (i32.const 32) "x-sum")

(func (export "proxy_on_request_body") (param i32) (param $size i32) (param $end i32) (result i32)
  (if (i32.eqz (local.get $end))
    (then (drop (call $set_buffer (i32.const 0) (i32.const 0) (local.get $size) (i32.const 0) (i32.const 0)))))
  (i32.const 0))

(func (export "proxy_on_response_body") (param i32) (param $size i32) (param $end i32) (result i32)
  (if (local.get $end)
    (then
      (drop (call $set_buffer (i32.const 1) (i32.const 0) (local.get $size) (i32.const 16) (i32.const 5)))
      (drop (call $add_header (i32.const 3) (i32.const 32) (i32.const 5) (i32.const 16) (i32.const 5))))
    (else
      (drop (call $set_buffer (i32.const 1) (i32.const 0) (local.get $size) (i32.const 0) (i32.const 7)))))
  (i32.const 0))
