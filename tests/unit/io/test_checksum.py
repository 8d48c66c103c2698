from bayescannon.io.checksum import bytes_crc32c, file_crc32c


def test_a_file_has_the_checksum_of_its_bytes_whatever_the_pieces(tmp_path, monkeypatch):
    content = bytes(range(256)) * 10
    (tmp_path / "file").write_bytes(content)
    monkeypatch.setattr("bayescannon.io.checksum._PIECE", 100)
    assert file_crc32c(tmp_path / "file") == bytes_crc32c(content)
