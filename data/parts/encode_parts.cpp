#include "data/parts/encode_parts.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "data/documents/text_files.hpp"
#include "data/prepare/shard_writer.hpp"
#include "data/prepare/survey.hpp"
#include "data/tokens/token_writer.hpp"

namespace isobath {
namespace {

// Not an error: what was begun is dropped.
struct LeftOut {};

class Work {
 public:
  explicit Work(const EncodingJob& job) : job_(job), counts_(job.parts.size(), 0) {}

  std::vector<std::int64_t> run() {
    {
      std::vector<std::jthread> threads;
      const auto wanted = std::min(static_cast<std::size_t>(std::max(1, job_.threads)), counts_.size());
      for (std::size_t i = 1; i < wanted; ++i) threads.emplace_back([this] { take_parts(); });
      take_parts();
    }
    if (error_) std::rethrow_exception(error_);
    return std::move(counts_);
  }

 private:
  void take_parts() noexcept {
    try {
      for (std::size_t part = next(); part < counts_.size() && !failed_; part = next()) {
        leave_if_asked();
        if (job_.stop.stop_requested()) return;
        counts_[part] = count_of(part);
        const std::lock_guard lock(mutex_);
        if (job_.done) job_.done(job_.parts[part].bytes());
      }
    } catch (const LeftOut&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }

  std::size_t next() {
    return static_cast<std::size_t>(job_.share.index) + next_++ * static_cast<std::size_t>(job_.share.count);
  }

  std::int64_t count_of(std::size_t part) const {
    if (const auto there = job_.store.whole(part)) return there->info().count;
    return encode(part);
  }

  std::int64_t encode(std::size_t index) const {
    const Part& part = job_.parts[index];
    TokenWriter writer(job_.store.file(index), job_.tokenizer.kind(), job_.tokenizer.vocabulary());
    DocumentEncoder encoder(job_.tokenizer, job_.documents);
    Hasher hasher;
    std::vector<std::int32_t> tokens;
    for (const Stretch& stretch : part.stretches) {
      const auto& path = job_.texts[stretch.text];
      encoder.begin(stretch.starts, path.string());
      for_each_block(path, stretch.begin, stretch.end, [&](std::span<const std::byte> block) {
        leave_if_asked();
        if (job_.stop.stop_requested()) throw LeftOut();
        hasher.update(block);
        encoder.encode(block, tokens);
        writer.append(tokens);
        tokens.clear();
      });
      encoder.end(stretch.ends, tokens);
      writer.append(tokens);
      tokens.clear();
    }
    if (hasher.finish() != part.content) refuse_changed_texts();
    if (writer.count() > 0) writer.finish();  // a file without tokens is none
    return writer.count();
  }

  const EncodingJob& job_;
  std::vector<std::int64_t> counts_;
  std::atomic<std::size_t> next_{0};  // of the share
  std::atomic<bool> failed_{false};
  std::mutex mutex_;  // guards error_ and calls of job_.done
  std::exception_ptr error_;
};

}  // namespace

std::vector<std::int64_t> encode_parts(const EncodingJob& job) { return Work(job).run(); }

}  // namespace isobath
