#include "proto/error_code.h"
#include <tidelog/error.h>

namespace tidelog {
namespace {

std::string_view name_of(errc kind) {
  switch (kind) {
    case errc::transport: return "TRANSPORT";
    case errc::timed_out: return "TIMED_OUT";
    case errc::authentication: return "AUTHENTICATION";
    case errc::authorization: return "AUTHORIZATION";
    case errc::not_found: return "NOT_FOUND";
    case errc::invalid_argument: return "INVALID_ARGUMENT";
    case errc::invalid_config: return "INVALID_CONFIG";
    case errc::too_large: return "TOO_LARGE";
    case errc::queue_full: return "QUEUE_FULL";
    case errc::bad_answer: return "BAD_ANSWER";
    case errc::unsupported: return "UNSUPPORTED";
    case errc::server: return "SERVER";
    case errc::closed: return "CLOSED";
  }
  return "UNKNOWN";
}

class Category : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tidelog"; }
  [[nodiscard]] std::string message(int value) const override { return std::string(name_of(static_cast<errc>(value))); }
};

std::string_view kafka_name(ErrorCode code) { return name(code); }
bool is_retriable(ErrorCode code) { return retriable(code); }

errc kind_of(ErrorCode code) {
  using enum ErrorCode;
  switch (code) {
    case unknown_topic_or_partition:
    case unknown_topic_id:
    case group_id_not_found: return errc::not_found;
    case request_timed_out: return errc::timed_out;
    case message_too_large:
    case record_list_too_large: return errc::too_large;
    case topic_authorization_failed:
    case group_authorization_failed:
    case cluster_authorization_failed:
    case transactional_id_authorization_failed: return errc::authorization;
    case sasl_authentication_failed:
    case illegal_sasl_state:
    case unsupported_sasl_mechanism: return errc::authentication;
    case unsupported_version: return errc::unsupported;
    default: return errc::server;
  }
}

/// What the code means for the one who asked, without the context.
std::string_view reason_of(ErrorCode code) {
  using enum ErrorCode;
  switch (code) {
    case unknown_topic_or_partition:
    case unknown_topic_id: return "there is no such topic or partition";
    case topic_already_exists: return "it already exists";
    case invalid_topic_exception: return "the name is not a valid topic name";
    case invalid_partitions: return "the number of partitions is not valid";
    case invalid_replication_factor: return "the replication factor does not fit the brokers there are";
    case invalid_config: return "a config key or value is not valid";
    case not_leader_or_follower: return "the broker does not lead the partition";
    case leader_not_available: return "the partition has no leader now";
    case message_too_large: return "the batch is larger than max.message.bytes of the topic";
    case offset_out_of_range: return "the offset is outside what the partition holds";
    case not_enough_replicas:
    case not_enough_replicas_after_append: return "fewer replicas are in sync than min.insync.replicas asks for";
    case out_of_order_sequence_number:
      return "the broker misses records before these: they were acknowledged and are lost there, or sent twice";
    case invalid_producer_epoch:
    case producer_fenced: return "another producer took over its identity";
    case corrupt_message: return "the batch arrived damaged";
    case invalid_record: return "the broker did not accept a record";
    case kafka_storage_error: return "the broker cannot use the log of the partition";
    case request_timed_out: return "the broker did not finish in time";
    case topic_authorization_failed: return "not allowed on this topic";
    case cluster_authorization_failed: return "not allowed on this cluster";
    case topic_deletion_disabled: return "the broker has delete.topic.enable=false";
    case invalid_required_acks: return "acks is none of 0, 1, all";
    case unsupported_version: return "the broker does not support this version of the request";
    case group_authorization_failed: return "not allowed on this group";
    case group_id_not_found: return "there is no such group";
    case non_empty_group: return "the group has members";
    case unknown_member_id: return "the coordinator does not know the member";
    case illegal_generation: return "the group has moved on to another generation";
    case stale_member_epoch:
    case fenced_member_epoch: return "the group has moved on to another epoch of the member";
    case fenced_instance_id: return "another member took over the instance id";
    case unreleased_instance_id: return "another member still holds the instance id";
    case rebalance_in_progress: return "the group is sharing out its partitions";
    case inconsistent_group_protocol: return "the other members of the group share out partitions in another way";
    case group_max_size_reached: return "the group has as many members as it may";
    case group_subscribed_to_topic: return "members of the group subscribe to the topic";
    case invalid_group_id: return "the group id is not valid";
    case invalid_session_timeout: return "session.timeout.ms is outside what the broker allows";
    case unsupported_assignor: return "the broker does not have the assignor";
    case offset_metadata_too_large: return "the metadata is longer than offset.metadata.max.bytes of the broker";
    case coordinator_not_available: return "the coordinator of the group is not available";
    case coordinator_load_in_progress: return "the coordinator of the group is still reading what it has to know";
    case not_coordinator: return "the broker does not coordinate the group";
    default: return {};
  }
}

std::string_view hint_of(ErrorCode code) {
  using enum ErrorCode;
  switch (code) {
    case unknown_topic_or_partition: return "tidelog topic list";
    case topic_already_exists: return "tidelog topic describe";
    case kafka_storage_error: return "the broker's own log says which file and why; other partitions are not affected";
    case invalid_topic_exception: return "letters, digits, '.', '_' and '-', at most 249 of them";
    case invalid_partitions: return "from 1 partition on; a topic's count never shrinks";
    case invalid_config: return "tidelog config docs lists the keys";
    case message_too_large: return "send smaller records, or raise max.message.bytes of the topic";
    case invalid_replication_factor: return "use at most as many replicas as there are brokers";
    case offset_out_of_range: return "read from the start with -o start";
    case group_id_not_found: return "tidelog group list";
    case non_empty_group:
    case group_subscribed_to_topic: return "stop its consumers first; tidelog group describe shows them";
    case inconsistent_group_protocol: return "use the same partition.assignment.strategy and group.protocol in all of them";
    case group_max_size_reached: return "the broker's group.max.size bounds them";
    case fenced_instance_id:
    case unreleased_instance_id: return "give each consumer a group.instance.id of its own";
    case unsupported_assignor: return "group.remote.assignor is uniform or range, or left out";
    case invalid_session_timeout: return "the broker's group.min.session.timeout.ms and group.max.session.timeout.ms bound it";
    default: return {};
  }
}

}  // namespace

std::error_code make_error_code(errc kind) {
  static const Category category;
  return {static_cast<int>(kind), category};
}

error error::from_kafka(int kafka_code, std::string_view context, std::string_view server_text) {
  const auto code = static_cast<ErrorCode>(kafka_code);
  std::string message(context);
  const std::string_view reason = reason_of(code);
  const std::string_view said = !server_text.empty() ? server_text : !reason.empty() ? reason : kafka_name(code);
  message.append(": ").append(said);
  while (message.ends_with('.')) message.pop_back();
  error made(kind_of(code), std::move(message));
  made.kafka_code_ = kafka_code;
  made.server_text_ = server_text;
  made.is_retriable_ = is_retriable(code);
  made.hint_ = hint_of(code);
  return made;
}

std::string_view error::code_name() const { return kafka_code_ != 0 ? kafka_name(static_cast<ErrorCode>(kafka_code_)) : name_of(kind_); }

}  // namespace tidelog
