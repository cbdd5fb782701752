#pragma once
// Element types. dtype is data on the tensor, never a build flag.

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ops/core/error.hpp"

namespace isobath {

/// The upper half of an IEEE binary32; conversion from float rounds to nearest, ties to even, and keeps NaN a NaN.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  constexpr explicit bfloat16(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const bool is_nan = (word & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(is_nan ? (word >> 16) | 0x40u : (word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
  }
  constexpr explicit operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

/// to = value, rounded to T. For loops: g++ 12 makes vector code of this, and four times slower scalar code of the
/// assignment of a whole bfloat16.
constexpr void round_to(float& to, float value) { to = value; }
constexpr void round_to(bfloat16& to, float value) { to.bits = bfloat16(value).bits; }

enum class DType : std::uint8_t { F32, BF16, F64, I32, I64 };

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::F32;
};
template <>
struct DTypeOf<bfloat16> {
  static constexpr DType value = DType::BF16;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::F64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::I32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::I64;
};

template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::BF16:
      return 2;
    case DType::F32:
    case DType::I32:
      return 4;
    case DType::F64:
    case DType::I64:
      return 8;
  }
  return 0;
}

constexpr const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return "f32";
    case DType::BF16:
      return "bf16";
    case DType::F64:
      return "f64";
    case DType::I32:
      return "i32";
    case DType::I64:
      return "i64";
  }
  return "?";
}

template <class T>
struct TypeTag {
  using type = T;
};

/// body(TypeTag<T>{}) for the floating type an activation or weight may have. Throws InternalError for others.
template <class Body>
void on_float_type(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::F32:
      return body(TypeTag<float>{});
    case DType::BF16:
      return body(TypeTag<bfloat16>{});
    default:
      throw InternalError(text("expected f32 or bf16, got ", name_of(dtype)));
  }
}

/// body(TypeTag<Wide>{}, TypeTag<Narrow>{}) where a kernel reads one type and writes another: equal types, or f32 and
/// bf16 in this order. Throws InternalError for others.
template <class Body>
void on_wide_and_narrow(DType wide, DType narrow, Body&& body) {
  if (wide == narrow) return on_float_type(wide, [&](auto tag) { body(tag, tag); });
  if (wide != DType::F32 || narrow != DType::BF16)
    throw InternalError(text("expected f32 beside bf16, got ", name_of(wide), " beside ", name_of(narrow)));
  body(TypeTag<float>{}, TypeTag<bfloat16>{});
}

}  // namespace isobath
