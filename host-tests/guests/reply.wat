;; Answers 418 itself, when x-when says so: q request headers, b request body, h response headers, r response
;; body, c close at the response body. Always returns Continue, which must not matter. Tells what it sees.
(data (i32.const 0) "x-when")
(data (i32.const 16) "short and stout")
(data (i32.const 32) "a teapot")
;; One pair, x-tea: yes.
(data (i32.const 48) "\01\00\00\00\05\00\00\00\03\00\00\00x-tea\00yes\00")
(data (i32.const 80) "response headers")
(data (i32.const 96) "response body")
(data (i32.const 112) "log")
(data (i32.const 116) "done")
(data (i32.const 120) "delete")
(global $when (mut i32) (i32.const 0))

(func $answer_if (param $when i32)
  (if (i32.eq (global.get $when) (local.get $when))
    (then (drop (call $reply (i32.const 418) (i32.const 32) (i32.const 8) (i32.const 16) (i32.const 15)
      (i32.const 48) (i32.const 22) (i32.const -1))))))

(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
  (global.set $when (call $header_byte (i32.const 0) (i32.const 6)))
  (call $answer_if (i32.const 113))
  (i32.const 0))

(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
  (call $answer_if (i32.const 98))
  (i32.const 0))

(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
  (call $say (i32.const 80) (i32.const 16) (i32.const 1))
  (call $answer_if (i32.const 104))
  (i32.const 0))

(func (export "proxy_on_response_body") (param i32) (param $size i32) (param i32) (result i32)
  (call $say (i32.const 96) (i32.const 13) (local.get $size))
  (call $answer_if (i32.const 114))
  (if (i32.eq (global.get $when) (i32.const 99)) (then (drop (call $close (i32.const 1)))))
  (i32.const 0))

(func (export "proxy_on_log") (param i32) (call $say (i32.const 112) (i32.const 3) (i32.const 0)))
(func (export "proxy_on_done") (param i32) (result i32)
  (call $say (i32.const 116) (i32.const 4) (i32.const 0)) (i32.const 1))
(func (export "proxy_on_delete") (param i32) (call $say (i32.const 120) (i32.const 6) (i32.const 0)))
