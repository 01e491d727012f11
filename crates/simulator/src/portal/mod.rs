//! The billing portal: what it offers, and the links by which a customer opens it.

mod configurations;
mod features;
mod sessions;

pub use configurations::{
    Configuration, create_configuration, list_configurations, retrieve_configuration,
    update_configuration,
};
pub use sessions::{PortalSession, create_session};
