#include "data/tokens/token_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/tokens/llmc_header.hpp"
#include "data/tokens/megatron_index.hpp"
#include "data/tokens/token_header.hpp"

namespace isobath {
namespace {

constexpr std::size_t kSampleBlock = std::size_t{64} << 10, kSampleBlocks = 256;

// The table of sequences is read once, by the rank that reads the header.
enum class Sequences { Trusted, Checked };

TokenFileInfo describe_megatron(const MappedFile& file, Sequences sequences) {
  const MappedFile index(megatron_index_of(file.path()));
  const std::string where = index.path().string();
  const auto size = static_cast<std::int64_t>(file.bytes().size());
  const MegatronIndex header = decode_megatron_index(index.bytes(), where);
  if (size == 0) throw DataError(text(file.path().string(), ": is empty, expected tokens"));
  if (sequences == Sequences::Checked) check_megatron_sequences(index.bytes(), header, size, where);
  return {file.path().string(),
          TokenFormat::Megatron,
          header.type,
          TokenizerKind::External,
          0,
          size / size_of(header.type),
          0,
          {}};
}

// Everything but the fingerprint of formats that carry none.
TokenFileInfo describe(const MappedFile& file, TokenFormat format, Sequences sequences) {
  if (format == TokenFormat::Megatron) return describe_megatron(file, sequences);
  const std::string where = file.path().string();
  const auto size = static_cast<std::int64_t>(file.bytes().size());
  if (format == TokenFormat::Shard) {
    const TokenHeader header = decode_token_header(file.bytes(), where);
    return {where,
            format,
            header.type,
            header.tokenizer,
            kTokenHeaderBytes,
            header.count,
            header.vocabulary,
            header.fingerprint};
  }
  if (format == TokenFormat::LlmC) {
    const LlmcHeader header = decode_llmc_header(file.bytes(), where);
    return {where, format, header.type, TokenizerKind::External, kLlmcHeaderBytes, header.count, header.vocabulary, {}};
  }
  if (size == 0) throw DataError(text(where, ": is empty, expected u16 tokens"));
  if (size % 2 != 0)
    throw DataError(text(where, ": has ", size,
                         " bytes, which is no whole number of u16 tokens; copy it again from its ",
                         "origin, or convert it: isobath prepare reads text only"));
  return {where, format, TokenType::U16, TokenizerKind::External, 0, size / 2, 0, {}};
}

Fingerprint sampled_fingerprint(std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.update(static_cast<std::uint64_t>(bytes.size()));
  if (bytes.size() <= kSampleBlock * kSampleBlocks) return hasher.update(bytes).finish();
  const std::size_t last = bytes.size() - kSampleBlock;
  for (std::size_t block = 0; block < kSampleBlocks; ++block) {
    const auto at = static_cast<std::size_t>(static_cast<double>(last) * static_cast<double>(block) /
                                             static_cast<double>(kSampleBlocks - 1));
    hasher.update(bytes.subspan(std::min(at, last), kSampleBlock));
  }
  return hasher.finish();
}

template <class T>
T load(const std::byte* bytes, std::int64_t index) {
  T value;  // by memcpy: bytes of a mapping are no objects of type T
  std::memcpy(&value, bytes + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

}  // namespace

TokenFile TokenFile::read(const std::filesystem::path& path, TokenFormat format) {
  MappedFile file(path);
  TokenFileInfo info = describe(file, format, Sequences::Checked);
  TokenFile out(std::move(file), std::move(info));
  if (format != TokenFormat::Shard) out.info_.fingerprint = sampled_fingerprint(out.bytes());
  return out;
}

TokenFile TokenFile::reopen(const TokenFileInfo& info) {
  MappedFile file(info.path);
  TokenFileInfo found = describe(file, info.format, Sequences::Trusted);
  if (info.format != TokenFormat::Shard) found.fingerprint = info.fingerprint;
  if (found != info)
    throw DataError(text(info.path, ": is not the file rank 0 reads: ", found.count, " tokens of type ",
                         name_of(found.type), " here, ", info.count, " of type ", name_of(info.type),
                         " there, or other content; put one copy where every host sees it"));
  return {std::move(file), std::move(found)};
}

std::span<const std::byte> TokenFile::bytes() const {
  return file_.bytes().subspan(static_cast<std::size_t>(info_.offset),
                               static_cast<std::size_t>(info_.count * size_of(info_.type)));
}

void TokenFile::copy(std::int64_t begin, std::span<std::int32_t> out) const {
  const auto count = static_cast<std::int64_t>(out.size());
  require(begin >= 0 && count <= info_.count - begin, info_.path, ": tokens [", begin, ", ", begin + count, ") of ",
          info_.count);
  const std::byte* const source = bytes().data();
  on_token_type(info_.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < count; ++i)
      out[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(load<T>(source, begin + i));
  });
}

std::optional<std::int64_t> TokenFile::first_from(std::int64_t limit, std::int64_t begin, std::int64_t end) const {
  require(begin >= 0 && end <= info_.count, info_.path, ": tokens [", begin, ", ", end, ") of ", info_.count);
  const std::byte* const source = bytes().data();
  return on_token_type(info_.type, [&](auto zero) -> std::optional<std::int64_t> {
    using T = decltype(zero);
    constexpr std::int64_t kBlock = 4096;  // a maximum without a branch per token first: that loop becomes vector code
    for (std::int64_t block = begin; block < end; block += kBlock) {
      const std::int64_t stop = std::min(end, block + kBlock);
      T most = 0;
      for (std::int64_t i = block; i < stop; ++i) most = std::max(most, load<T>(source, i));
      if (static_cast<std::int64_t>(most) < limit) continue;
      for (std::int64_t i = block; i < stop; ++i)
        if (static_cast<std::int64_t>(load<T>(source, i)) >= limit) return i;
    }
    return std::nullopt;
  });
}

std::int64_t TokenFile::at(std::int64_t index) const {
  require(index >= 0 && index < info_.count, info_.path, ": token ", index, " of ", info_.count);
  const std::byte* const source = bytes().data();
  return on_token_type(info_.type,
                       [&](auto zero) { return static_cast<std::int64_t>(load<decltype(zero)>(source, index)); });
}

void verify_content(const TokenFile& file, std::int64_t vocabulary) {
  const TokenFileInfo& info = file.info();
  if (info.format == TokenFormat::Shard) {
    const Fingerprint found = fingerprint_of(file.bytes());
    if (found != info.fingerprint)
      throw DataError(text(info.path, ": is damaged: its tokens have fingerprint ", found.hex(), ", its header says ",
                           info.fingerprint.hex(), "; copy it again from its origin, or write it again with isobath ",
                           "prepare"));
  }
  if (const auto at = file.first_from(vocabulary, 0, info.count))
    throw DataError(text(info.path, ": token ", *at, " is ", file.at(*at), ", but the vocabulary has ", vocabulary,
                         " entries; prepare the data with the vocabulary it belongs to"));
}

}  // namespace isobath
