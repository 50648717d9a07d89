// Transactions.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;
using B = BrokerOptions;

constexpr BrokerOption kTable[] = {
    option<&B::transaction_max_timeout_ms>("transaction.max.timeout.ms", at_least(1), "Longest transaction a producer may ask for.")
        .without_effect(kNoTransactions),
    option<&B::transaction_state_log_replication_factor>("transaction.state.log.replication.factor", between(1, 32767),
                                                         "Replicas of `__transaction_state`; shrinks to the nodes there are.")
        .without_effect(kNoTransactions)
        .short_integer(),
    option<&B::transaction_state_log_num_partitions>("transaction.state.log.num.partitions", between(1, 100000),
                                                     "Partitions of `__transaction_state`.")
        .without_effect(kNoTransactions),
    option<&B::transaction_state_log_min_isr>("transaction.state.log.min.isr", at_least(1), "In-sync replicas `__transaction_state` needs.")
        .without_effect(kNoTransactions),
    option<&B::transactional_id_expiration_ms>("transactional.id.expiration.ms", at_least(1),
                                               "Silence after which a transactional id is forgotten.")
        .without_effect(kNoTransactions),
    inert({"add.partitions.to.txn.retry.backoff.max.ms", integer, "100", at_least(0)}, kNoTransactions,
          "Longest wait before a partition is added to a transaction once more."),
    inert({"add.partitions.to.txn.retry.backoff.ms", integer, "20", at_least(1)}, kNoTransactions,
          "First wait before a partition is added to a transaction once more."),
    inert({"transaction.abort.timed.out.transaction.cleanup.interval.ms", integer, "10000", at_least(1)}, kNoTransactions,
          "How often transactions past their timeout are aborted."),
    inert({"transaction.partition.verification.enable", boolean, "true", any_value()}, kNoTransactions,
          "Ask the coordinator whether a transaction covers a partition before it is written to.")
        .cluster_wide(),
    inert({"transaction.remove.expired.transaction.cleanup.interval.ms", integer, "3600000", at_least(1)}, kNoTransactions,
          "How often expired transactional ids are removed."),
    inert({"transaction.state.log.load.buffer.size", integer, "5242880", at_least(1)}, kNoTransactions,
          "Bytes read at a time while transactions are loaded."),
    inert({"transaction.state.log.segment.bytes", integer, "104857600", at_least(1)}, kNoTransactions,
          "Segment size of the transaction topic."),
    inert({"transaction.two.phase.commit.enable", boolean, "false", any_value()}, kNoTransactions,
          "Let producers keep a transaction open until an outside coordinator decides."),
};

}  // namespace

std::span<const BrokerOption> transactions_options() { return kTable; }

}  // namespace tidelog::broker
