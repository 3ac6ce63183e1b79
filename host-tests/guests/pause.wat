;; Pauses every request at its headers. A tick continues the last stream's request, or answers it if the
;; configuration begins with 'a'. The body callback tells what has waited.
(data (i32.const 0) "body")
(data (i32.const 16) "late")
(global $stream (mut i32) (i32.const 0))
(global $answer (mut i32) (i32.const 0))

(func (export "proxy_on_configure") (param i32 i32) (result i32)
  (global.set $answer (i32.eq (call $config_byte) (i32.const 97)))
  (drop (call $set_tick (i32.const 1000)))
  (i32.const 1))

(func (export "proxy_on_request_headers") (param $id i32) (param i32 i32) (result i32)
  (global.set $stream (local.get $id))
  (i32.const 1))

(func (export "proxy_on_request_body") (param i32) (param $size i32) (param i32) (result i32)
  (call $say (i32.const 0) (i32.const 4) (local.get $size))
  (i32.const 0))

(func (export "proxy_on_tick") (param i32)
  (if (i32.eqz (call $act_for (global.get $stream)))
    (then
      (if (global.get $answer)
        (then (drop (call $reply (i32.const 503) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const -1))))
        (else (drop (call $continue (i32.const 0))))))))
