;; Ticks every 100 ms and counts. Its root stops the timer when it is done only if configured with 's'; with
;; 'l' the root asks for time and is done at its next tick.
(data (i32.const 0) "ticks")
(data (i32.const 16) "done")
(data (i32.const 32) "delete")
(global $ticks (mut i32) (i32.const 0))
(global $config (mut i32) (i32.const 0))
(global $leaving (mut i32) (i32.const 0))

(func (export "proxy_on_configure") (param i32 i32) (result i32)
  (global.set $config (call $config_byte))
  (drop (call $define_metric (i32.const 0) (i32.const 0) (i32.const 5) (global.get $ptr)))
  (global.set $ticks (i32.load (global.get $ptr)))
  (drop (call $set_tick (i32.const 100)))
  (i32.const 1))

(func (export "proxy_on_tick") (param $id i32)
  (drop (call $increment (global.get $ticks) (i64.const 1)))
  (if (i32.eq (global.get $leaving) (local.get $id))
    (then (drop (call $set_tick (i32.const 0))) (drop (call $proxy_done)))))

(func (export "proxy_on_done") (param $id i32) (result i32)
  (call $say (i32.const 16) (i32.const 4) (local.get $id))
  (if (i32.eq (global.get $config) (i32.const 115)) (then (drop (call $set_tick (i32.const 0)))))
  (if (i32.eq (global.get $config) (i32.const 108))
    (then (global.set $leaving (local.get $id)) (return (i32.const 0))))
  (i32.const 1))

(func (export "proxy_on_delete") (param $id i32)
  (call $say (i32.const 32) (i32.const 6) (local.get $id)))
