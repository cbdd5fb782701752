#pragma once
// Streams in capture: what they are given becomes nodes of a graph instead of running. Errors are those of the CUDA
// runtime API, Stream Management, and of the programming guide, CUDA Graphs, Creating a Graph Using Stream Capture.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "tests/emulated/api/error.hpp"
#include "tests/emulated/graphs/graph.hpp"

enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone = 0,
  cudaStreamCaptureStatusActive = 1,
  cudaStreamCaptureStatusInvalidated = 2,
};

enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2,
};

namespace isobath::emulated {

/// One sequence from its begin to its end, over all streams that joined it.
struct Capture {
  struct Member {
    StreamPtr stream;
    Places after;  // what its next node depends on
  };

  StreamPtr origin;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;  // None when it is over
  std::map<const StreamQueue*, Member> members = {};
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
};
using CapturePtr = std::shared_ptr<Capture>;

/// What an event holds that was recorded in a capture.
struct CapturedPoint {
  CapturePtr capture;
  Places after;
};

/// The answer of a capture to a call; without one, the call is not its affair.
using Answer = std::optional<cudaError_t>;

class Captures {
 public:
  static Captures& instance();

  cudaError_t begin(const StreamPtr& stream, cudaStreamCaptureMode mode);
  /// `graph` is null unless all went well; the streams have left the capture then too.
  cudaError_t end(const StreamPtr& stream, GraphPtr& graph);
  cudaError_t status(const StreamPtr& stream, cudaStreamCaptureStatus& status);
  /// Sets the mode of the calling thread and returns the one before.
  static cudaStreamCaptureMode exchange_mode(cudaStreamCaptureMode mode);

  /// Takes the work of a stream that is in capture.
  Answer take(const StreamPtr& stream, Work& work);
  /// Fills `point` for an event that is recorded in a stream in capture.
  Answer record(const StreamPtr& stream, CapturedPoint& point);
  /// A stream is to wait for `point`, or, where that is empty, for what was recorded outside of any capture.
  Answer wait(const StreamPtr& stream, const CapturedPoint& point);

  /// A graph is launched in a stream; in one that is in capture that is a Fault, for isobath captures no launches.
  Answer launch(const StreamPtr& stream);
  /// Somebody waits for a stream, or asks how far it is.
  Answer ask(const StreamPtr& stream);
  /// The same for an event recorded in a capture.
  Answer ask(const CapturedPoint& point);
  /// The same for a whole device.
  Answer ask_device(int device);
  /// A call that is not safe while the calling thread's mode forbids it.
  Answer unsafe();

 private:
  using Lock = std::lock_guard<std::mutex>;

  CapturePtr of(const StreamPtr& stream) const;
  Answer behind_default_stream(const StreamPtr& stream);
  static cudaError_t invalidate(Capture& capture, cudaError_t error);
  void close(const CapturePtr& capture);

  std::mutex mutex_;
  std::vector<CapturePtr> open_;
  std::atomic<bool> any_ = false;  // what is in open_, for calls that need not wait
};

}  // namespace isobath::emulated
