//! How contexts in a VM come, tick and go.

use crate::{
    http::Phase,
    vm::{self, Called, Vm},
};

impl Vm {
    /// Tells the guest of a stream, once.
    pub(crate) fn create_stream(&mut self, id: u32) {
        let Some(http) = self.host_mut().streams.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(&mut http.created, true) {
            let root = http.root;
            self.call(id, &vm::ON_CONTEXT_CREATE, (id, root));
            self.run_deferred();
        }
    }

    /// The stream is over for the peers. Envoy writes the access log first, then lets go of the filter.
    pub(crate) fn complete(&mut self, id: u32) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        http.phase = Phase::Logging;
        http.request.chunk = None;
        http.response.chunk = None;
        self.create_stream(id);
        self.call(id, &vm::ON_LOG, id);
        self.run_deferred();
        if let Some(http) = self.host_mut().streams.get_mut(&id) {
            http.phase = Phase::Gone;
        }
        self.call(id, &vm::ON_DONE, id);
        self.run_deferred();
        self.call(id, &vm::ON_DELETE, id);
        self.run_deferred();
        let host = self.host_mut();
        if let Some(http) = host.streams.remove(&id) {
            host.just_finished.push(http.handle);
            host.finished.insert(id, http);
        }
    }

    /// A stream that the client never used.
    pub(crate) fn abandon(&mut self, id: u32) {
        let host = self.host_mut();
        if let Some(http) = host.streams.remove(&id) {
            host.just_finished.push(http.handle);
            host.finished.insert(id, http);
        }
    }

    /// Tells a root that it is out of service. Roots get `proxy_on_done` and `proxy_on_delete`, no
    /// `proxy_on_log`; one that returns false stays until it calls `proxy_done`.
    pub(crate) fn shut_root(&mut self, id: u32) {
        if !self.host().roots.contains_key(&id) {
            return;
        }
        let done = self.call(id, &vm::ON_DONE, id);
        if let (Called::Returned(0), Some(root)) = (done, self.host_mut().roots.get_mut(&id)) {
            root.done_pending = true;
        }
        self.run_deferred();
        if done != Called::Returned(0) {
            self.delete_root(id);
        }
    }

    /// The root is gone; its timer is not, which is what Envoy does.
    pub(crate) fn delete_root(&mut self, id: u32) {
        self.call(id, &vm::ON_DELETE, id);
        self.run_deferred();
        self.host_mut().roots.remove(&id);
    }

    /// A tick of a root is due. Envoy re-arms the timer whether or not the root is still there.
    pub(crate) fn tick(&mut self, root: u32) {
        let host = self.host_mut();
        let alive = host.roots.contains_key(&root);
        if alive {
            self.call(root, &vm::ON_TICK, root);
            self.run_deferred();
        } else {
            host.dead_wakeups += 1;
        }
        let host = self.host_mut();
        let now = host.process.clock.nanos();
        if let Some(timer) = host.timers.get_mut(&root) {
            timer.due = now + timer.period;
        }
    }
}
