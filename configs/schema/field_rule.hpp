#pragma once
// What a field declares about itself beside its name, type and default: which values it takes and whether a resumed run
// may change it.

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace isobath {

/// Whether a run that goes on from a checkpoint may have another value than the run that wrote it.
enum class OnResume { Same, MayChange };

/// The values a field takes. Built by the words below: `in(0, 1)`, `above(0).up_to(1)`, `at_least(0).below(1)`,
/// `one_of({...})`.
struct FieldRule {
  enum class Bound { Closed, Open };
  struct Limit {
    double value;
    Bound bound;
  };
  std::optional<Limit> low;
  std::optional<Limit> high;
  std::vector<std::string> choices;  ///< canonical texts; empty means every value
  bool needs_text = false;           ///< the empty string is refused

  FieldRule up_to(double value) const {
    FieldRule rule = *this;
    rule.high = Limit{value, Bound::Closed};
    return rule;
  }
  FieldRule below(double value) const {
    FieldRule rule = *this;
    rule.high = Limit{value, Bound::Open};
    return rule;
  }
};

inline FieldRule anything() { return {}; }
inline FieldRule at_least(double value) { return {FieldRule::Limit{value, FieldRule::Bound::Closed}, {}, {}, {}}; }
inline FieldRule above(double value) { return {FieldRule::Limit{value, FieldRule::Bound::Open}, {}, {}, {}}; }
/// low <= value <= high
inline FieldRule in(double low, double high) { return at_least(low).up_to(high); }
inline FieldRule one_of(std::initializer_list<std::string> choices) { return {{}, {}, choices, {}}; }
inline FieldRule not_empty() { return {{}, {}, {}, true}; }

}  // namespace isobath
