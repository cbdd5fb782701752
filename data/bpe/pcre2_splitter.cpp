#define PCRE2_CODE_UNIT_WIDTH 8
#include <array>

#include <pcre2.h>

#include "data/bpe/piece_splitter.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

// Possessive loops need little; an unfamiliar pattern may backtrack over a long piece.
constexpr std::size_t kFirstStack = std::size_t{64} << 10, kMostStack = std::size_t{16} << 20;

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeStack {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};
struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};

}  // namespace

struct PiecePattern::Code {
  std::unique_ptr<pcre2_code, FreeCode> compiled;
  bool has_jit = false;  // a system may forbid memory that is both writable and executable
};

PiecePattern::PiecePattern(const std::string& pattern, const std::string& where) {
  auto code = std::make_shared<Code>();
  int error = 0;
  PCRE2_SIZE offset = 0;
  code->compiled.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                     PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr));
  if (code->compiled == nullptr)
    throw DataError(text(where, ": the pattern ", pattern, " cannot be used: ", message_of(error), " at ", offset));
  std::uint32_t behind = 0;
  pcre2_pattern_info(code->compiled.get(), PCRE2_INFO_MAXLOOKBEHIND, &behind);
  if (behind > 0)
    throw DataError(text(where, ": the pattern ", pattern, " looks ", behind,
                         " characters behind its match, and only patterns that do not are supported"));
  code->has_jit = pcre2_jit_compile(code->compiled.get(), PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD) == 0;
  code_ = std::move(code);
}

struct PieceSplitter::State {
  const PiecePattern::Code& code;
  std::unique_ptr<pcre2_match_data, FreeMatch> match;
  std::unique_ptr<pcre2_match_context, FreeContext> context;
  std::unique_ptr<pcre2_jit_stack, FreeStack> stack;

  int run(std::string_view text, std::size_t begin, std::uint32_t options) const {
    // pcre2_jit_match leaves out the checks of its arguments, which cost as much as finding a short word.
    const auto find = code.has_jit ? pcre2_jit_match : pcre2_match;
    return find(code.compiled.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin,
                options | (code.has_jit ? 0U : PCRE2_NO_UTF_CHECK), match.get(), context.get());
  }
};

PieceSplitter::PieceSplitter(const PiecePattern& pattern)
    : state_(new State{pattern.code(), nullptr, nullptr, nullptr}) {
  state_->match.reset(pcre2_match_data_create_from_pattern(state_->code.compiled.get(), nullptr));
  state_->context.reset(pcre2_match_context_create(nullptr));
  state_->stack.reset(pcre2_jit_stack_create(kFirstStack, kMostStack, nullptr));
  if (!state_->match || !state_->context) throw std::bad_alloc();
  if (state_->stack) pcre2_jit_stack_assign(state_->context.get(), nullptr, state_->stack.get());
}

PieceSplitter::~PieceSplitter() = default;

std::optional<std::size_t> PieceSplitter::end_of_piece(std::string_view text, std::size_t begin, TextEnd end) {
  const std::uint32_t partial = end == TextEnd::MayFollow ? PCRE2_PARTIAL_HARD : 0U;
  const int found = state_->run(text, begin, PCRE2_NOTEMPTY | partial);
  if (found == PCRE2_ERROR_PARTIAL) return std::nullopt;
  if (found == PCRE2_ERROR_NOMATCH) return end == TextEnd::Reached ? std::optional(text.size()) : std::nullopt;
  if (found < 0)
    throw DataError(isobath::text("cutting a text of ", text.size(), " bytes into pieces failed at byte ", begin, ": ",
                                  message_of(found), "; use a tokenizer with a simpler pattern"));
  const PCRE2_SIZE* const place = pcre2_get_ovector_pointer(state_->match.get());
  return place[0] > begin ? place[0] : place[1];
}

}  // namespace isobath
