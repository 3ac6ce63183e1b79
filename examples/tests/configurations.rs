//! The shipped Envoy configurations, rendered as the demo and the tests use them.

use breakglass_examples::stack::{Template, repository};
use breakglass_policy::Policy;

#[test]
fn the_shipped_policies_are_policies() {
    for file in ["envoy/minimal.yaml", "envoy/ecds/breakglass.yaml"] {
        let template = Template::read(&repository().join(file)).unwrap();
        let policy = Policy::from_json(template.policy().unwrap().as_bytes());
        assert!(policy.is_ok(), "{file}: {}", policy.unwrap_err());
    }
}
