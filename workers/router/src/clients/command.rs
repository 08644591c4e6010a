//! What an operator does to clients by hand: merging, un-merging, and deciding.
