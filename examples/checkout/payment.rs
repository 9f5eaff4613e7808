//! The payment: a tonic service.

use example_proto::payment::payment_server::Payment;
use example_proto::payment::{ChargeReply, ChargeRequest};
use tonic::{Request, Response, Status};
use tower_observability::exchange::annotate;

pub struct Till;

#[tonic::async_trait]
impl Payment for Till {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeReply>, Status> {
        let ChargeRequest { order, amount_cents, card } = request.into_inner();
        annotate("payment.amount_cents", i64::try_from(amount_cents).unwrap_or(i64::MAX));
        if card.is_empty() {
            return Err(Status::invalid_argument("a card is needed"));
        }
        if card.ends_with("0000") {
            tracing::info!(order, "card declined");
            return Err(Status::failed_precondition("the card was declined"));
        }
        Ok(Response::new(ChargeReply { receipt: format!("receipt-{order}") }))
    }
}
