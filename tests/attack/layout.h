#pragma once

#include "proto/base/types.h"
#include "proto/codec/schema.h"
#include "tests/attack/dice.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tidelog::attack {

/// What the attacked broker has, so that requests can name it.
struct Scene {
  std::string topic;
  Uuid topic_id;
  std::string batch;  ///< A sound record batch.
};

/// Memory of a message being laid out; lives as long as it.
class Arena {
 public:
  std::byte* room(std::size_t bytes);
  /// A copy that outlives the call.
  std::string_view keep(std::string text);

 private:
  std::deque<std::vector<std::max_align_t>> pieces_;
  std::deque<std::string> texts_;
};

/// How the fields of a message are filled.
class Filling {
 public:
  Filling() = default;
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;
  virtual ~Filling() = default;
  virtual std::int64_t number(const proto::Field& field) = 0;
  virtual std::string text(const proto::Field& field) = 0;
  virtual Uuid uuid() = 0;
  virtual std::string records() = 0;
  virtual bool null(const proto::Field& field) = 0;
  virtual std::size_t count(const proto::Field& field) = 0;
};

/// One of everything, each with a value that the broker has no reason to refuse.
class ValidFilling : public Filling {
 public:
  explicit ValidFilling(const Scene& scene) : scene_(scene) {}
  std::int64_t number(const proto::Field& field) override;
  std::string text(const proto::Field& field) override;
  Uuid uuid() override { return scene_.topic_id; }
  std::string records() override { return scene_.batch; }
  bool null(const proto::Field&) override { return false; }
  std::size_t count(const proto::Field&) override { return 1; }

 protected:
  const Scene& scene_;
};

/// Well-formed, and every value one that somebody may have forgotten.
class HostileFilling final : public ValidFilling {
 public:
  HostileFilling(const Scene& scene, Dice& dice) : ValidFilling(scene), dice_(dice) {}
  std::int64_t number(const proto::Field& field) override;
  std::string text(const proto::Field& field) override;
  Uuid uuid() override;
  std::string records() override;
  bool null(const proto::Field& field) override;
  std::size_t count(const proto::Field& field) override;

 private:
  Dice& dice_;
};

/// As many of the least elements as `elements` says in the first array that has a struct or string inside, nothing in the others.
class SwollenFilling final : public ValidFilling {
 public:
  SwollenFilling(const Scene& scene, std::size_t elements, bool inner) : ValidFilling(scene), left_(elements), inner_(inner) {}
  std::string text(const proto::Field& field) override;
  std::string records() override { return {}; }
  std::size_t count(const proto::Field& field) override;

 private:
  std::size_t left_;
  bool inner_;
};

/// Lays a message of this schema out in memory, ready to be encoded in `version`.
const void* lay_out(const proto::Schema& schema, std::int16_t version, Filling& filling, Arena& arena);

}  // namespace tidelog::attack
