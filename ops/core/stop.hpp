#pragma once
// The wish that this process saves what it has and ends. Signals set it; loops look at it between two pieces of work.

namespace isobath {

/// Async-signal-safe, from any thread.
void request_stop() noexcept;
/// Stays true once it is.
bool stop_requested() noexcept;
/// For tests that go on afterwards.
void withdraw_stop() noexcept;

}  // namespace isobath
