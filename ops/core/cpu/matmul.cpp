#include "ops/core/cpu/matmul.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <oneapi/dnnl/dnnl.hpp>

#include "ops/core/allocator.hpp"
#include "ops/core/threads.hpp"

namespace isobath::kernel {
namespace {

using dnnl::memory;

enum class Layout : std::uint8_t { RowMajor, ColumnMajor };

// All that distinguishes compiled primitives: extents and distances are given at the call. (oneDNN then takes its
// packing kernel, which was measured as fast as the one compiled for given extents, and up to three times faster where
// rows lie a multiple of 4 KiB apart.) Few combinations exist, so the cache needs no bound.
struct Key {
  memory::data_type in, out;
  Layout a, b;
  Accumulate mode;
  int threads;

  auto tied() const { return std::tie(in, out, a, b, mode, threads); }
  bool operator<(const Key& other) const { return tied() < other.tied(); }
};

struct Compiled {
  dnnl::matmul primitive;
  memory::desc scratchpad;
};

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

template <class T>
constexpr memory::data_type type_of() {
  return dtype_of<T> == DType::F32 ? memory::data_type::f32 : memory::data_type::bf16;
}

template <class T>
Layout layout_of(const Matrix<T>& matrix) {
  return matrix.column_step == 1 ? Layout::RowMajor : Layout::ColumnMajor;
}

memory::desc any_extent(memory::data_type type, Layout layout) {
  constexpr auto kAny = DNNL_RUNTIME_DIM_VAL;
  const auto strides = layout == Layout::RowMajor ? memory::dims{kAny, 1} : memory::dims{1, kAny};
  return {memory::dims{kAny, kAny}, type, strides};
}

// oneDNN fixes the threads of a primitive when it is made, to as many as the next region would have. Within a region
// that is not the one thread that will run it.
class ThreadsOfPrimitive {
 public:
  explicit ThreadsOfPrimitive(int threads) { set_kernel_threads(threads); }
  ~ThreadsOfPrimitive() { set_kernel_threads(before_); }
  ThreadsOfPrimitive(const ThreadsOfPrimitive&) = delete;
  ThreadsOfPrimitive& operator=(const ThreadsOfPrimitive&) = delete;

 private:
  const int before_ = kernel_threads();
};

Compiled compile(const Key& key) {
  const ThreadsOfPrimitive scope(key.threads);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (key.mode == Accumulate::Add) {
    dnnl::post_ops add;
    add.append_sum(1.0F);
    attributes.set_post_ops(add);
  }
  const dnnl::matmul::desc description(any_extent(key.in, key.a), any_extent(key.in, key.b),
                                       any_extent(key.out, Layout::RowMajor));
  const dnnl::matmul::primitive_desc chosen(description, attributes, engine());
  return {dnnl::matmul(chosen), chosen.scratchpad_desc()};
}

const Compiled& compiled(const Key& key) {
  thread_local std::map<Key, Compiled> cache;
  const auto found = cache.find(key);
  return found != cache.end() ? found->second : cache.emplace(key, compile(key)).first->second;
}

// The distance between rows of a single row is free, but oneDNN wants it at least as long as the row.
template <class T>
memory memory_of(const Matrix<T>& matrix) {
  const bool row_major = layout_of(matrix) == Layout::RowMajor;
  const memory::dims steps = {row_major ? std::max(matrix.row_step, matrix.columns) : 1,
                              row_major ? 1 : std::max(matrix.column_step, matrix.rows)};
  const memory::desc description({matrix.rows, matrix.columns}, type_of<std::remove_const_t<T>>(), steps);
  return {description, engine(), const_cast<std::remove_const_t<T>*>(matrix.data)};
}

template <class T>
void zero(const Matrix<T>& c) {
  for (std::int64_t row = 0; row < c.rows; ++row) std::fill_n(c.data + row * c.row_step, c.columns, T(0.0F));
}

template <class In, class Out>
void execute(const Matrix<const In>& a, const Matrix<const In>& b, const Matrix<Out>& c, Accumulate mode) {
  thread_local dnnl::stream stream(engine());
  const int threads = omp_in_parallel() ? 1 : kernel_threads();
  const Compiled& product = compiled({type_of<In>(), type_of<Out>(), layout_of(a), layout_of(b), mode, threads});
  const Block scratch(Device::cpu(), product.scratchpad.get_size());
  product.primitive.execute(stream, {{DNNL_ARG_SRC, memory_of(a)},
                                     {DNNL_ARG_WEIGHTS, memory_of(b)},
                                     {DNNL_ARG_DST, memory_of(c)},
                                     {DNNL_ARG_SCRATCHPAD, memory(product.scratchpad, engine(), scratch.data())}});
}

template <class In>
void matmul_in_slices(const Matrix<const In>& a, const Matrix<const In>& b, const Matrix<float>& c, Accumulate mode) {
  constexpr std::int64_t kSlice = 192;  // best or within 2 % of it in 13 shapes from 768x128x512 to 2048x3072x768
  if (a.rows == 0) return matmul(a.transposed(), b, c, mode);
  for (std::int64_t begin = 0; begin < a.rows; begin += kSlice) {
    const std::int64_t end = std::min(begin + kSlice, a.rows);
    matmul(a.row_range(begin, end).transposed(), b.row_range(begin, end), c, begin == 0 ? mode : Accumulate::Add);
  }
}

}  // namespace

template <class In, class Out>
void matmul(Matrix<const In> a, Matrix<const In> b, Matrix<Out> c, Accumulate mode,
            [[maybe_unused]] Bf16Products bf16) {
  require(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns && c.column_step == 1, "matmul of ", a.rows,
          'x', a.columns, " and ", b.rows, 'x', b.columns, " into ", c.rows, 'x', c.columns);
  if (c.rows == 0 || c.columns == 0) return;
  if (a.columns == 0) return mode == Accumulate::Overwrite ? zero(c) : void();
  if constexpr (std::is_same_v<In, bfloat16>)
    if (bf16 == Bf16Products::Widened) return matmul_widened<Out>(a, b, c, mode);
  try {
    execute(a, b, c, mode);
  } catch (const dnnl::error& error) {
    throw InternalError(text("oneDNN refused the product of ", a.rows, 'x', a.columns, " and ", b.rows, 'x', b.columns,
                             ": ", error.what(), " (status ", static_cast<int>(error.status), ')'));
  }
}

template <class In>
void matmul_tall(Matrix<const In> a, Matrix<const In> b, Matrix<float> c, Accumulate mode) {
  constexpr std::int64_t kFewest = 32;  // rows or columns of c that are worth a thread
  if (c.rows >= c.columns)
    parallel_for(c.rows, kFewest, [&](std::int64_t begin, std::int64_t end) {
      matmul_in_slices(a.column_range(begin, end), b, c.row_range(begin, end), mode);
    });
  else
    parallel_for(c.columns, kFewest, [&](std::int64_t begin, std::int64_t end) {
      matmul_in_slices(a, b.column_range(begin, end), c.column_range(begin, end), mode);
    });
}

template void matmul<float, float>(Matrix<const float>, Matrix<const float>, Matrix<float>, Accumulate, Bf16Products);
template void matmul<bfloat16, float>(Matrix<const bfloat16>, Matrix<const bfloat16>, Matrix<float>, Accumulate,
                                      Bf16Products);
template void matmul<bfloat16, bfloat16>(Matrix<const bfloat16>, Matrix<const bfloat16>, Matrix<bfloat16>, Accumulate,
                                         Bf16Products);
template void matmul_tall<float>(Matrix<const float>, Matrix<const float>, Matrix<float>, Accumulate);
template void matmul_tall<bfloat16>(Matrix<const bfloat16>, Matrix<const bfloat16>, Matrix<float>, Accumulate);

}  // namespace isobath::kernel
