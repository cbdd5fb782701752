#include "tests/emulated/engine/fiber.hpp"

#include <cstdint>
#include <new>

#include <sys/mman.h>

#ifndef __x86_64__
#error "the emulation switches stacks by x86-64 instructions; other processors need their own isobath_switch_stack"
#endif

// Keeps what a called function has to keep (System V ABI, AMD64, figure 3.4), stores the stack pointer, takes another.
extern "C" void isobath_switch_stack(void** left, void* entered);
asm(R"(
    .text
    .globl isobath_switch_stack
    .type isobath_switch_stack, @function
isobath_switch_stack:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size isobath_switch_stack, .-isobath_switch_stack
)");

namespace isobath::emulated {
namespace {

constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kStackBytes = 128 * 1024;  // pages are taken as they are touched
constexpr std::size_t kSavedRegisters = 6;

}  // namespace

Fiber::Fiber(Entry entry) : entry_(entry) {
  void* const mapping = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<char*>(mapping);
  if (mprotect(mapping_, kGuardBytes, PROT_NONE) != 0) {
    munmap(mapping_, kGuardBytes + kStackBytes);
    throw std::bad_alloc();
  }
  own_.bottom = mapping_ + kGuardBytes;
  own_.bytes = kStackBytes;
  create_fiber(own_);
  prepare_stack();
}

Fiber::~Fiber() {
  destroy_fiber(own_);
  permit(own_.bottom, own_.bytes);
  munmap(mapping_, kGuardBytes + kStackBytes);
}

void Fiber::rewind() {
  destroy_fiber(own_);
  permit(own_.bottom, own_.bytes);
  create_fiber(own_);
  prepare_stack();
}

void Fiber::prepare_stack() {
  auto** top = reinterpret_cast<void**>(mapping_ + kGuardBytes + kStackBytes);
  *--top = nullptr;  // where a return address would be: entry() finds the stack aligned as after a call
  *--top = reinterpret_cast<void*>(entry_);
  for (std::size_t i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer_ = top;
}

void Fiber::enter() {
  adopt_current_stack(host_);
  before_switch(host_, own_);
  isobath_switch_stack(&host_pointer_, stack_pointer_);
  StackNote left;
  after_switch(host_, left);
}

void Fiber::leave() {
  before_switch(own_, host_);
  isobath_switch_stack(&stack_pointer_, host_pointer_);
  arrived();
}

}  // namespace isobath::emulated
