#pragma once
// Decisions that all ranks make together: the same settings everywhere, and one error that every rank ends with.

#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "ops/core/error.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// Something that has to be equal on every rank, as text.
struct Fact {
  std::string name;
  std::string value;
};

/// What one rank could not do.
struct RankError {
  ExitCode code = ExitCode::Internal;
  std::string message;
};

/// Whether this rank is the one that prints an error that all of them throw.
enum class Voice { Speaks, Silent };

/// Thrown on every rank with equal text and code, so that all may end in order: print if voice() is Speaks, finish the
/// session, return the code.
class AgreedError : public Error {
 public:
  AgreedError(ExitCode code, const std::string& message, int rank, Voice voice)
      : Error(code, message), rank_(rank), voice_(voice) {}
  /// The rank whose error it is.
  int rank() const noexcept { return rank_; }
  Voice voice() const noexcept { return voice_; }

 private:
  int rank_;
  Voice voice_;
};

/// Throws AgreedError (configuration, 78: a restart would not mend it) unless every rank passes equal facts; names each
/// rank that differs from most, with both values. Rank 0 speaks.
void agree(Communicator& ranks, const std::vector<Fact>& facts);

/// Throws AgreedError if any rank passes an error: that of the lowest such rank, which speaks, with its code.
void agree_on_error(Communicator& ranks, const std::optional<RankError>& mine);

/// The error that is being handled, as data; PeerError is thrown on, because its group cannot agree on anything.
RankError current_rank_error();

/// body() on every rank, and its result if it succeeded on all of them; otherwise agree_on_error. The body talks to no
/// other rank, or only where no rank can fail before.
template <class Body>
auto on_every_rank(Communicator& ranks, Body&& body) -> std::invoke_result_t<Body> {
  using Result = std::invoke_result_t<Body>;
  std::optional<RankError> error;
  if constexpr (std::is_void_v<Result>) {
    try {
      body();
    } catch (...) {
      error = current_rank_error();
    }
    agree_on_error(ranks, error);
  } else {
    std::optional<Result> result;
    try {
      result.emplace(body());
    } catch (...) {
      error = current_rank_error();
    }
    agree_on_error(ranks, error);
    return std::move(*result);
  }
}

}  // namespace isobath
