//! The gRPC services of the examples and tests.

/// The checkout example's payment service.
pub mod payment {
    tonic::include_proto!("checkout.payment.v1");
}

/// A service with one method of each streaming kind.
pub mod echo {
    tonic::include_proto!("tests.echo.v1");
}
