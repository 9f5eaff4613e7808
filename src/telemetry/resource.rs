//! Who tells: the resource that all signals carry.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use uuid::Uuid;

pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_VERSION: &str = "service.version";
pub(super) const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub(super) const DEPLOYMENT: &str = "deployment.environment.name";

/// The attributes of a pod, and the variables that are looked at for each, the first one that is
/// set winning: those of OpenTelemetry's guides, and those that Kubernetes' own examples of the
/// downward API use.
pub(super) const KUBERNETES: [(&str, &[&str]); 7] = [
    ("k8s.pod.name", &["K8S_POD_NAME", "POD_NAME"]),
    ("k8s.pod.uid", &["K8S_POD_UID", "POD_UID"]),
    ("k8s.namespace.name", &["K8S_NAMESPACE_NAME", "POD_NAMESPACE"]),
    ("k8s.node.name", &["K8S_NODE_NAME", "NODE_NAME"]),
    ("k8s.container.name", &["K8S_CONTAINER_NAME", "CONTAINER_NAME"]),
    ("k8s.deployment.name", &["K8S_DEPLOYMENT_NAME", "DEPLOYMENT_NAME"]),
    ("k8s.cluster.name", &["K8S_CLUSTER_NAME", "CLUSTER_NAME"]),
];

/// The resource: the SDK's own attributes, then what was set, the name, and an ID of this process.
pub(super) fn build(service_name: &str, set: &[KeyValue]) -> Resource {
    let identified = set.iter().any(|attribute| attribute.key.as_str() == SERVICE_INSTANCE_ID);
    let instance = (!identified)
        .then(|| KeyValue::new(SERVICE_INSTANCE_ID, Value::from(Uuid::new_v4().to_string())));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(set.iter().cloned().chain(instance))
        .with_attribute(KeyValue::new(SERVICE_NAME, service_name.to_owned()))
        .build()
}
