//! A plugin configuration: what Envoy calls a plugin, and what identifies it.

use std::sync::Arc;

use crate::{module::Module, vm::VmKey};

/// What happens to streams when the VM is dead, as `failure_policy` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailurePolicy {
    /// They get 503, for good. Envoy's default.
    #[default]
    Closed,
    /// They pass untouched.
    Open,
    /// They get 503, and the next stream gets a new VM if the last load is long enough ago.
    Reload,
}

/// One version of one plugin's configuration.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) root_id: String,
    pub(crate) vm_id: String,
    pub(crate) vm_configuration: Arc<[u8]>,
    pub(crate) configuration: Arc<[u8]>,
    pub(crate) module: Module,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) bodies_pass_paused_headers: bool,
}

/// Two specs with one key are one plugin to Envoy: it reuses the root that is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SpecKey {
    vm: VmKey,
    name: String,
    root_id: String,
    configuration: Arc<[u8]>,
    failure_policy: FailurePolicy,
    bodies_pass_paused_headers: bool,
}

// === impl Spec ===

impl Spec {
    pub(crate) fn vm_key(&self) -> VmKey {
        VmKey {
            vm_id: self.vm_id.clone(),
            configuration: Arc::clone(&self.vm_configuration),
            module: self.module.digest(),
        }
    }

    pub(crate) fn key(&self) -> SpecKey {
        SpecKey {
            vm: self.vm_key(),
            name: self.name.clone(),
            root_id: self.root_id.clone(),
            configuration: Arc::clone(&self.configuration),
            failure_policy: self.failure_policy,
            bodies_pass_paused_headers: self.bodies_pass_paused_headers,
        }
    }
}
