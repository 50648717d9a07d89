// franz-go: `produce BOOTSTRAP FILE TOPIC:CODEC...` sends FILE's lines to each topic, `consume BOOTSTRAP DIR TOPIC...` writes each topic's lines.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(ctx context.Context, bootstrap string, lines [][]byte, topic, codec string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(codecs[codec]),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	records := make([]*kgo.Record, 0, len(lines))
	for _, line := range lines {
		records = append(records, &kgo.Record{Topic: topic, Value: line})
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

func endOffset(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	asked := kmsg.NewListOffsetsRequestTopic()
	asked.Topic = topic
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.Timestamp = -1
	asked.Partitions = append(asked.Partitions, partition)
	request.Topics = append(request.Topics, asked)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	found := response.Topics[0].Partitions[0]
	if found.ErrorCode != 0 {
		return 0, fmt.Errorf("ListOffsets: error %d", found.ErrorCode)
	}
	return found.Offset, nil
}

func consume(ctx context.Context, bootstrap, topic, path string) error {
	start := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(start))
	if err != nil {
		return err
	}
	defer client.Close()
	end, err := endOffset(ctx, client, topic)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	for done := int64(0); done < end; {
		fetches := client.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			return fmt.Errorf("stopped at %d of %d: %w", done, end, errs[0].Err)
		}
		for _, record := range fetches.Records() {
			out.Write(record.Value)
			out.WriteByte('\n')
			done = record.Offset + 1
		}
	}
	return out.Flush()
}

func run(action, bootstrap, where string, topics []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var lines [][]byte
	if action == "produce" {
		data, err := os.ReadFile(where)
		if err != nil {
			return err
		}
		lines = bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	}
	for _, topic := range topics {
		var err error
		if action == "produce" {
			name, codec, _ := strings.Cut(topic, ":")
			err = produce(ctx, bootstrap, lines, name, codec)
		} else {
			err = consume(ctx, bootstrap, topic, filepath.Join(where, topic))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", topic, err)
		}
	}
	return nil
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
