#pragma once
// The fields of one configuration object as a flat list. Decoding, help, dump, digest and the rule for resuming read
// this list and nothing else, so none of them is a template.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/schema/checker.hpp"
#include "configs/schema/field_rule.hpp"
#include "configs/schema/fields/codec.hpp"

namespace isobath::config {

/// One leaf of the object that the schema was bound to.
struct Field {
  std::string path;  ///< "depth.mixture_of_depths.capacity"
  std::string type;  ///< "a number in (0, 1]"
  FieldRule rule;
  OnResume on_resume;
  std::string doc;
  std::function<std::string()> text;  ///< the value now, as YAML
  std::function<std::optional<Problem>(const Node&)> read;
};

/// One nested struct; the object itself has the path "".
struct Section {
  std::string path;
  std::string doc;
  std::function<void(Checker&)> check;  ///< empty when the struct has no rules
};

/// Valid as long as the object it was bound to lives and stays in place. Parents stand before their children.
struct Schema {
  std::vector<Field> fields;
  std::vector<Section> sections;
};

template <class T>
Schema bind(T& object);

/// The visitor that `T::fields(self, field)` calls once per field, in the order in which files are written.
class SchemaBuilder {
 public:
  explicit SchemaBuilder(Schema& schema) : schema_(schema) {}

  template <FieldValue T>
  void operator()(std::string_view name, T& value, FieldRule rule, OnResume on_resume, std::string_view doc) {
    std::string type = Codec<T>::type(rule);
    auto text = [&value] { return Codec<T>::print(value); };
    auto read = [&value, rule](const Node& node) { return Codec<T>::read(node, rule, value); };
    schema_.fields.push_back({path_of(name), std::move(type), rule, on_resume, std::string(doc), text, read});
  }

  template <class T>
  void operator()(std::string_view name, T& section, std::string_view doc) {
    const std::string outer = std::exchange(section_, path_of(name));
    add_section(section, doc);
    section_ = outer;
  }

  template <class T>
  void add_section(T& section, std::string_view doc) {
    std::function<void(Checker&)> check;
    if constexpr (requires(Checker & checker) { section.check(checker); })
      check = [&section](Checker& checker) { section.check(checker); };
    schema_.sections.push_back({section_, std::string(doc), std::move(check)});
    T::fields(section, *this);
  }

 private:
  std::string path_of(std::string_view name) const {
    return section_.empty() ? std::string(name) : section_ + "." + std::string(name);
  }
  Schema& schema_;
  std::string section_;
};

template <class T>
Schema bind(T& object) {
  Schema schema;
  SchemaBuilder(schema).add_section(object, "");
  return schema;
}

}  // namespace isobath::config
