#pragma once
// A document into the object that a schema is bound to: strict, and complete in its complaints.

#include <map>
#include <string>

#include "configs/schema/document/config_error.hpp"
#include "configs/schema/document/node.hpp"
#include "configs/schema/fields/schema.hpp"

namespace isobath::config {

/// Where each value that is not a default was written, by the path of its field.
using Sources = std::map<std::string, Mark>;

/// Writes every value of `root` that is right into the object and adds one issue for each that is wrong: unknown key,
/// wrong type, out of range, a broken rule across fields. A field with an issue keeps its default. `whole` marks issues
/// of values that stand nowhere.
Sources decode(const Node& root, const Schema& schema, const Mark& whole, Issues& issues);

}  // namespace isobath::config
