//! Who tells: the resource that all signals carry.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use uuid::Uuid;

pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_VERSION: &str = "service.version";
pub(super) const SERVICE_INSTANCE_ID: &str = "service.instance.id";
pub(super) const DEPLOYMENT: &str = "deployment.environment.name";

/// An attribute of a pod, and the variables that tell it.
pub(super) struct OfPod {
    pub(super) key: &'static str,
    /// What OpenTelemetry's guides fill by the downward API.
    pub(super) variable: &'static str,
    /// What Kubernetes' own examples do; too common a name to be believed outside of a pod.
    pub(super) in_pod: Option<&'static str>,
}

/// What is set in every pod.
pub(super) const IN_POD: &str = "KUBERNETES_SERVICE_HOST";

/// The attributes of a pod.
pub(super) const KUBERNETES: [OfPod; 7] = [
    of_pod("k8s.pod.name", "K8S_POD_NAME", Some("POD_NAME")),
    of_pod("k8s.pod.uid", "K8S_POD_UID", Some("POD_UID")),
    of_pod("k8s.namespace.name", "K8S_NAMESPACE_NAME", Some("POD_NAMESPACE")),
    of_pod("k8s.node.name", "K8S_NODE_NAME", Some("NODE_NAME")),
    of_pod("k8s.container.name", "K8S_CONTAINER_NAME", Some("CONTAINER_NAME")),
    of_pod("k8s.deployment.name", "K8S_DEPLOYMENT_NAME", None),
    of_pod("k8s.cluster.name", "K8S_CLUSTER_NAME", None),
];

const fn of_pod(key: &'static str, variable: &'static str, in_pod: Option<&'static str>) -> OfPod {
    OfPod { key, variable, in_pod }
}

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
