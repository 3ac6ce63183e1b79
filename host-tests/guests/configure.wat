;; Takes configurations by their first byte: n is refused, t traps, o is taken once a process (and so fails on
;; every thread after the throw-away VM). Marks streams with the configuration of its root.
(data (i32.const 0) "seen")
(data (i32.const 16) "configured")
(data (i32.const 32) "x-config")
(data (i32.const 48) "vm start")
(global $count i32 (i32.const 0x100))

;; Configuration byte by root id; stream root by stream id.
(func $slot (param $id i32) (result i32) (i32.add (i32.const 0x200) (i32.mul (local.get $id) (i32.const 4))))

(func (export "proxy_on_vm_start") (param $id i32) (param i32) (result i32)
  (call $say (i32.const 48) (i32.const 8) (local.get $id))
  (i32.const 1))

(func (export "proxy_on_context_create") (param $id i32) (param $root i32)
  (if (local.get $root)
    (then (i32.store (call $slot (local.get $id)) (i32.load (call $slot (local.get $root)))))))

(func (export "proxy_on_configure") (param $id i32) (param i32) (result i32)
  (local $byte i32)
  (local.set $byte (call $config_byte))
  (call $say (i32.const 16) (i32.const 10) (local.get $id))
  (i32.store (call $slot (local.get $id)) (local.get $byte))
  (if (i32.eq (local.get $byte) (i32.const 110)) (then (return (i32.const 0))))
  (if (i32.eq (local.get $byte) (i32.const 116)) (then unreachable))
  (if (i32.eq (local.get $byte) (i32.const 111))
    (then
      (if (i32.eqz (call $get_shared (i32.const 0) (i32.const 4) (global.get $ptr) (global.get $len) (global.get $cas)))
        (then (return (i32.const 0))))
      (drop (call $set_shared (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4) (i32.const 0)))))
  (i32.const 1))

(func (export "proxy_on_request_headers") (param $id i32) (param i32 i32) (result i32)
  (drop (call $set_header (i32.const 0) (i32.const 32) (i32.const 8) (call $slot (local.get $id)) (i32.const 1)))
  (i32.const 0))
