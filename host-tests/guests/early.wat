;; Reads shared data while the VM starts, which Envoy forbids.
(func (export "_initialize")
  (drop (call $get_shared (i32.const 0) (i32.const 1) (global.get $ptr) (global.get $len) (global.get $cas))))
