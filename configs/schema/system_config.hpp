#pragma once
// The machine: where and in which numbers the run computes.

#include <array>
#include <cstdint>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class DeviceChoice { Cpu, Cuda };
constexpr auto enum_names(DeviceChoice) {
  return std::array{EnumName{DeviceChoice::Cpu, "cpu"}, EnumName{DeviceChoice::Cuda, "cuda"}};
}

enum class DTypeChoice { F32, Bf16 };
constexpr auto enum_names(DTypeChoice) {
  return std::array{EnumName{DTypeChoice::F32, "f32"}, EnumName{DTypeChoice::Bf16, "bf16"}};
}

/// Whose kernels compute attention on a GPU.
enum class AttentionChoice { Own, Cudnn };
constexpr auto enum_names(AttentionChoice) {
  return std::array{EnumName{AttentionChoice::Own, "own"}, EnumName{AttentionChoice::Cudnn, "cudnn"}};
}

/// What a GPU is given in one call that repeats, as a CUDA graph.
enum class CudaGraphChoice { None, MicroBatch };
constexpr auto enum_names(CudaGraphChoice) {
  return std::array{EnumName{CudaGraphChoice::None, "none"}, EnumName{CudaGraphChoice::MicroBatch, "micro_batch"}};
}

/// Whether ranks that share a host keep to cores of their own.
enum class Binding { Auto, None };
constexpr auto enum_names(Binding) {
  return std::array{EnumName{Binding::Auto, "auto"}, EnumName{Binding::None, "none"}};
}

struct SystemConfig {
  DeviceChoice device = DeviceChoice::Cpu;
  DTypeChoice dtype = DTypeChoice::F32;
  AttentionChoice attention = AttentionChoice::Own;
  CudaGraphChoice cuda_graph = CudaGraphChoice::None;
  std::int64_t threads = 0;
  Binding bind = Binding::Auto;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("device", self.device, anything(), MayChange, "where tensors live; results agree within rounding only");
    field("dtype", self.dtype, anything(), Same,
          "inputs and weights of matrix products; weights, their gradients, sums, norms, routers, softmax and loss "
          "stay f32");
    field("attention", self.attention, anything(), MayChange,
          "kernels of attention on a GPU; cudnn: cuDNN computes it in blocks that every token passes, in bf16, and "
          "own kernels in routed blocks; results agree within rounding only");
    field("cuda_graph", self.cuda_graph, anything(), MayChange,
          "micro_batch: on a GPU, forward and backward of a micro-batch are recorded once and repeated by one call; "
          "results are bit-equal; gradients are then reduced after backward, not during it");
    field("threads", self.threads, in(0, 4096), MayChange,
          "compute threads of a rank; 0: the host's cores divided by its ranks; a resumed run is bit-equal only with "
          "the same number");
    field("bind", self.bind, anything(), MayChange,
          "auto: ranks that share the cores of a host divide them, unless a launcher, OpenMP's variables or too many "
          "threads speak against it; none: threads stay where the system puts them");
  }
};

}  // namespace isobath
