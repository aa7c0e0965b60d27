//! TODO(lead): conformance
