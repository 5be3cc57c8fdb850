//! Execute: from parameters to the provider's request, and from its answer to ours.

mod answers;
mod busy;
mod checks;
mod deviations;
mod downloads;
mod entity_checks;
mod errors;
mod limits;
mod params;
mod paths;
mod redirects;
mod requests;
mod retries;
mod shaping;
