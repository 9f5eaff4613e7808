//! Messages, by the [conventions of messaging
//! spans](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/).

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

#[cfg(feature = "metrics")]
use super::metrics::Kind;
use super::put::{Server, named, put, some};
use super::sealed::Convention;
use super::{Operation, Text, global};
use crate::message::bound::bounded;

/// What is done to messages: what an [`Operation::send`] and its like tell.
#[derive(Clone, Debug)]
pub struct Messaging {
    /// One of the conventions' five.
    operation_type: &'static str,
    operation: Option<Text>,
    system: Text,
    destination: Option<Text>,
    template: Option<Text>,
    partition: Option<Text>,
    subscription: Option<Text>,
    consumer_group: Option<Text>,
    client: Option<Text>,
    message: Option<Text>,
    batch: Option<usize>,
    temporary: bool,
    anonymous: bool,
    server: Server,
}

impl Messaging {
    pub(super) fn new(operation_type: &'static str, system: Text, destination: Text) -> Self {
        Self {
            operation_type,
            operation: None,
            system,
            destination: some(destination),
            template: None,
            partition: None,
            subscription: None,
            consumer_group: None,
            client: None,
            message: None,
            batch: None,
            temporary: false,
            anonymous: false,
            server: Server::default(),
        }
    }

    fn operation_name(&self) -> Text {
        self.operation.clone().unwrap_or(Text::Borrowed(self.operation_type))
    }
}

/// `system` is the `messaging.system`, such as `kafka` or `rabbitmq`; `destination` the
/// `messaging.destination.name`. The span's name is the operation's and the destination's.
impl Operation<Messaging> {
    /// One message of a batch is made, in a span of kind PRODUCER, whose context should travel with
    /// the message.
    pub fn create(system: impl Into<Text>, destination: impl Into<Text>) -> Self {
        global().create(system, destination)
    }

    /// Messages are sent, in a span of kind PRODUCER, whose context should travel with them: inject
    /// [`Context::current`](opentelemetry::Context::current) in the future.
    ///
    /// With a [`link`](Self::link) to the span in which each message was
    /// [created](Self::create), whose context travels then, the kind is CLIENT.
    pub fn send(system: impl Into<Text>, destination: impl Into<Text>) -> Self {
        global().send(system, destination)
    }

    /// Messages are asked for, in a span of kind CLIENT.
    pub fn receive(system: impl Into<Text>, destination: impl Into<Text>) -> Self {
        global().receive(system, destination)
    }

    /// Messages are processed, in a span of kind CONSUMER; [`link`](Self::link) it to the context
    /// that came with each.
    pub fn process(system: impl Into<Text>, destination: impl Into<Text>) -> Self {
        global().process(system, destination)
    }

    /// Messages are acknowledged or refused, in a span of kind CLIENT.
    pub fn settle(system: impl Into<Text>, destination: impl Into<Text>) -> Self {
        global().settle(system, destination)
    }

    /// `messaging.operation.name`: how the system calls it, such as `publish` or `nack`; by default
    /// as the conventions do.
    pub fn operation(mut self, name: impl Into<Text>) -> Self {
        self.what.operation = some(name.into());
        self
    }

    /// `messaging.destination.template`: what destinations whose names are many have in common,
    /// such as `/customers/{id}`; it stands in the span's name then.
    pub fn destination_template(mut self, template: impl Into<Text>) -> Self {
        self.what.template = some(template.into());
        self
    }

    /// `messaging.destination.partition.id`: the part of the destination.
    pub fn partition(mut self, id: impl Into<Text>) -> Self {
        self.what.partition = some(id.into());
        self
    }

    /// `messaging.destination.subscription.name`: what is consumed from.
    pub fn subscription(mut self, name: impl Into<Text>) -> Self {
        self.what.subscription = some(name.into());
        self
    }

    /// `messaging.consumer.group.name`: whom the consumer belongs to.
    pub fn consumer_group(mut self, name: impl Into<Text>) -> Self {
        self.what.consumer_group = some(name.into());
        self
    }

    /// `messaging.client.id`: which client it is.
    pub fn client_id(mut self, id: impl Into<Text>) -> Self {
        self.what.client = some(id.into());
        self
    }

    /// `messaging.message.id`: the one message that it is about.
    pub fn message_id(mut self, id: impl Into<Text>) -> Self {
        self.what.message = some(id.into());
        self
    }

    /// `messaging.batch.message_count`: how many messages are in the batch; not for single
    /// messages. For what was received, see [`Ending::attribute`](super::Ending::attribute).
    pub fn batch(mut self, messages: usize) -> Self {
        self.what.batch = Some(messages);
        self
    }

    /// `messaging.destination.temporary`: the destination may not exist for long; its name stays
    /// out of the span's.
    pub fn temporary(mut self) -> Self {
        self.what.temporary = true;
        self
    }

    /// `messaging.destination.anonymous`: the destination's name was generated; it stays out of the
    /// span's.
    pub fn anonymous(mut self) -> Self {
        self.what.anonymous = true;
        self
    }

    /// `server.address`: the broker's host name or IP address.
    pub fn server_address(mut self, address: impl Into<Text>) -> Self {
        self.what.server.address = some(address.into());
        self
    }

    /// `server.port`; told only with an address.
    pub fn server_port(mut self, port: u16) -> Self {
        self.what.server.port = Some(port);
        self
    }
}

impl Convention for Messaging {
    fn name(&self) -> Text {
        let target = match (&self.template, &self.destination) {
            (Some(template), _) => Some(template.clone()),
            (None, Some(_)) if self.temporary || self.anonymous => None,
            (None, Some(name)) => Some(name.clone()),
            (None, None) => self.server.target(),
        };
        bounded(named(Some(&self.operation_name()), target.as_ref()).unwrap_or_default())
    }

    fn span_kind(&self, links: usize) -> SpanKind {
        match self.operation_type {
            "create" => SpanKind::Producer,
            "send" if links == 0 => SpanKind::Producer,
            "process" => SpanKind::Consumer,
            _ => SpanKind::Client,
        }
    }

    fn attributes(self, into: &mut Vec<KeyValue>) {
        let operation = self.operation_name();
        put(into, "messaging.system", Some(self.system));
        put(into, "messaging.operation.name", Some(operation));
        into.push(KeyValue::new("messaging.operation.type", self.operation_type));
        put(into, "messaging.destination.name", self.destination);
        put(into, "messaging.destination.template", self.template);
        put(into, "messaging.destination.partition.id", self.partition);
        put(into, "messaging.destination.subscription.name", self.subscription);
        put(into, "messaging.consumer.group.name", self.consumer_group);
        put(into, "messaging.client.id", self.client);
        put(into, "messaging.message.id", self.message);
        if let Some(messages) = self.batch {
            let count = i64::try_from(messages).unwrap_or(i64::MAX);
            into.push(KeyValue::new("messaging.batch.message_count", count));
        }
        if self.temporary {
            into.push(KeyValue::new("messaging.destination.temporary", true));
        }
        if self.anonymous {
            into.push(KeyValue::new("messaging.destination.anonymous", true));
        }
        self.server.put(into);
    }

    #[cfg(feature = "metrics")]
    fn kind(&self) -> Kind {
        match self.operation_type {
            "process" => Kind::Process,
            _ => Kind::Messaging,
        }
    }
}
