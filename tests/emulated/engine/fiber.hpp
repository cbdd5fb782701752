#pragma once
// A stack of its own and the place where it was left. One fiber is one thread of a block.

#include <cstddef>

#include "tests/emulated/engine/sanitizers.hpp"

namespace isobath::emulated {

class Fiber {
 public:
  /// `entry` must never return: it leaves the fiber for good by calling leave() in a loop.
  using Entry = void (*)();

  explicit Fiber(Entry entry);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs the fiber from where it was left until it leaves.
  void enter();
  /// Called on the fiber: back to whoever entered it.
  void leave();
  /// Called first thing by `entry`.
  void arrived() { after_switch(own_, host_); }
  /// Forgets where it was left, objects on its stack included: the next enter() starts at `entry`.
  void rewind();

 private:
  void prepare_stack();

  Entry entry_;
  char* mapping_;  // a guard page, then the stack
  void* stack_pointer_ = nullptr;
  void* host_pointer_ = nullptr;
  StackNote own_;
  StackNote host_;
};

}  // namespace isobath::emulated
