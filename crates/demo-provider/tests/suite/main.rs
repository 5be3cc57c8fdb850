//! The provider from the outside: everything through its router, time and randomness in the tests' hands.

#[cfg(test)]
mod crm;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod wire;
