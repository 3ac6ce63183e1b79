;; A whole module: it wants a call that no host has.
(module
  (import "env" "proxy_make_coffee" (func (result i32)))
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 0)))
