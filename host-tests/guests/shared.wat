;; Adds one to a number in shared data for each request, by compare-and-swap until it holds. It creates with a
;; number that no value has: 0 would overwrite what another worker created meanwhile. x-try: w writes once with a
;; number that is wrong and tells the status.
(data (i32.const 0) "n")
(data (i32.const 16) "x-try")
(data (i32.const 32) "wrong number")
(data (i32.const 48) "empty value")
(data (i32.const 64) "e")
(global $n i32 (i32.const 0x100))

(func $add_one
  (i32.store (global.get $n) (i32.const 0))
  (i32.store (global.get $cas) (i32.const -1))
  (if (i32.eqz (call $get_shared (i32.const 0) (i32.const 1) (global.get $ptr) (global.get $len) (global.get $cas)))
    (then (i32.store (global.get $n) (i32.load (i32.load (global.get $ptr))))))
  (i32.store (global.get $n) (i32.add (i32.load (global.get $n)) (i32.const 1)))
  (if (call $set_shared (i32.const 0) (i32.const 1) (global.get $n) (i32.const 4) (i32.load (global.get $cas)))
    (then (call $add_one))))

(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
  (if (i32.eq (call $header_byte (i32.const 16) (i32.const 5)) (i32.const 119))
    (then
      (call $say (i32.const 32) (i32.const 12)
        (call $set_shared (i32.const 0) (i32.const 1) (global.get $n) (i32.const 4) (i32.const 4000000)))
      (drop (call $set_shared (i32.const 64) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
      (drop (call $get_shared (i32.const 64) (i32.const 1) (global.get $ptr) (global.get $len) (global.get $cas)))
      (call $say (i32.const 48) (i32.const 11) (i32.load (global.get $ptr))))
    (else (call $add_one)))
  (i32.const 0))
