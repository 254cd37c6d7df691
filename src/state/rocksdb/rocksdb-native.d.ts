/** The package brings no types; client.ts says what the adapter uses of it. */
declare module 'rocksdb-native' {
  const RocksDB: unknown;
  export default RocksDB;
}
