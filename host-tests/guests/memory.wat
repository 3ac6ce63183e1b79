;; Wants a mebibyte more with each request and tells whether it got it.
(data (i32.const 0) "grow")
(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
  (call $say (i32.const 0) (i32.const 4) (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
  (i32.const 0))
