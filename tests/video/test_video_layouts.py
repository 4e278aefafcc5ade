"""AVI and other videos as other programs lay them out."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest

from miniscope_nwb.errors import RecordingError
from miniscope_nwb.video.decode import is_grey, read_frames
from miniscope_nwb.video.picture import Picture, of_palette
from miniscope_nwb.video.probe import probe_part
from miniscope_nwb.video.riff import read_index
from miniscope_nwb.video.second import read_frames_again

WIDTH, HEIGHT = 6, 4


def probe(path):
    return probe_part(path, relative_path=path.name, index=0)


def chunk(name, data, *, pad=True):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1 and pad)


def group(kind, *parts):
    return chunk(b"LIST", kind + b"".join(parts))


def stream_header(kind, *, handler=b"GREY", compression=b"GREY", bits=8, height=HEIGHT, tail=b""):
    strh = kind + handler + bytes(12) + struct.pack("<IIIIIiI", 1, 30, 0, 0, 0, -1, 0) + bytes(8)
    strf = struct.pack("<IiiHH4s", 40, WIDTH, height, 1, bits, compression) + bytes(20) + tail
    return group(b"strl", chunk(b"strh", strh), chunk(b"strf", strf))


def write(path, *chunks, streams=None):
    streams = streams or [stream_header(b"vids")]
    hdrl = group(b"hdrl", chunk(b"avih", bytes(56)), *streams)
    body = b"AVI " + hdrl + chunk(b"JUNK", bytes(5)) + group(b"movi", *chunks)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return probe(path)


def frame(number, width=WIDTH):
    return (np.arange(HEIGHT * width) + 50 * number).astype(np.uint8).reshape(HEIGHT, width)


def test_rec_lists_junk_sound_and_empty_chunks_are_stepped_over(tmp_path):
    part = write(
        tmp_path / "a.avi",
        group(b"rec ", chunk(b"00wb", b"sound"), chunk(b"01dc", frame(0).tobytes())),
        chunk(b"JUNK", b"odd"),
        chunk(b"01dc", b""),
        group(b"rec ", chunk(b"01db", frame(1).tobytes()), chunk(b"00wb", b"")),
        chunk(b"ix01", bytes(24)),
        chunk(b"02dc", b"another video stream"),
        streams=[stream_header(b"auds"), stream_header(b"vids"), stream_header(b"vids")],
    )
    assert part.n_frames == 2
    assert read_index(part.path).n_empty_chunks == 1
    np.testing.assert_array_equal(list(read_frames(part)), [frame(0), frame(1)])


def test_a_missing_byte_of_padding_is_survived(tmp_path):
    part = write(
        tmp_path / "a.avi", chunk(b"JUNK", b"odd", pad=False), chunk(b"00dc", frame(0).tobytes())
    )
    np.testing.assert_array_equal(list(read_frames(part)), [frame(0)])


def test_rows_of_raw_frames_may_be_padded_or_not(tmp_path):
    padded = np.pad(frame(0), ((0, 0), (0, 2)))
    part = write(
        tmp_path / "a.avi", chunk(b"00dc", padded.tobytes()), chunk(b"00dc", frame(1).tobytes())
    )
    np.testing.assert_array_equal(list(read_frames(part)), [frame(0), frame(1)])


@pytest.mark.parametrize("is_top_down", [False, True])
def test_dib_with_four_bytes_a_pixel(tmp_path, is_top_down):
    pixels = np.dstack([frame(0), frame(1), frame(2), frame(9)])  # blue, green, red, unused
    rows = pixels if is_top_down else pixels[::-1]
    header = stream_header(
        b"vids", handler=b"DIB ", compression=bytes(4), bits=32,
        height=-HEIGHT if is_top_down else HEIGHT,
    )  # fmt: skip
    part = write(tmp_path / "a.avi", chunk(b"00db", rows.tobytes()), streams=[header])
    assert (part.fourcc, part.pixel_format, part.height) == ("DIB ", "bgr24", HEIGHT)
    expected = np.dstack([frame(2), frame(1), frame(0)])
    np.testing.assert_array_equal(next(iter(read_frames(part, colour=True))), expected)
    np.testing.assert_array_equal(next(iter(read_frames_again(part, colour=True))), expected)


def test_palettes_are_looked_up(tmp_path):
    levels = np.arange(256, dtype=np.uint8)
    inverted = np.repeat(255 - levels[:, None], 4, axis=1)
    coloured = np.stack([levels, levels[::-1], levels, levels], axis=1)
    indices = np.pad(frame(0), ((0, 0), (0, 2)))[::-1]
    for palette, is_coloured in ((inverted, False), (coloured, True), (inverted[:100], False)):
        header = stream_header(
            b"vids", handler=bytes(4), compression=bytes(4), tail=palette.tobytes()
        )
        part = write(tmp_path / "a.avi", chunk(b"00db", indices.tobytes()), streams=[header])
        assert part.pixel_format == "palette8"
        if is_coloured:
            with pytest.raises(RecordingError, match="colour video"):
                list(read_frames(part))
            found = next(iter(read_frames(part, colour=True)))
            np.testing.assert_array_equal(found, coloured[frame(0)][:, :, 2::-1])
        else:
            np.testing.assert_array_equal(next(iter(read_frames(part))), 255 - frame(0))
            np.testing.assert_array_equal(next(iter(read_frames_again(part))), 255 - frame(0))


def test_a_palette_may_be_absent():
    assert of_palette(frame(0), np.zeros((0, 4), np.uint8)).grey() is not None


def test_layouts_that_no_camera_writes_are_refused(tmp_path):
    header = stream_header(b"vids", compression=bytes(4), bits=16)
    part = write(tmp_path / "a.avi", chunk(b"00db", bytes(64)), streams=[header])
    assert part.pixel_format == ""
    with pytest.raises(RecordingError, match=r"a\.avi holds raw pictures of 16 bits"):
        list(read_frames(part))


def test_an_unknown_codec_is_counted_but_not_decoded(tmp_path):
    header = stream_header(b"vids", handler=b"ZZZZ", compression=b"ZZZZ")
    part = write(tmp_path / "a.avi", chunk(b"00dc", bytes(range(64))), streams=[header])
    assert (part.state, part.n_frames, part.fourcc) == ("unfinalised", 1, "ZZZZ")
    assert part.is_lossy
    with pytest.raises(RecordingError, match=r"a\.avi decodes to 0 frames"):
        list(read_frames(part))


def test_frames_without_a_video_header_are_an_error(tmp_path):
    part = write(tmp_path / "a.avi", chunk(b"00dc", bytes(64)), streams=[stream_header(b"auds")])
    assert part.state == "empty"
    wide = stream_header(b"vids", height=90_000)
    assert write(tmp_path / "a.avi", streams=[wide]).state == "unreadable"


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mkv", "ffv1"), (".mkv", "mpeg4"), (".mp4", "mpeg4")]
)
def test_videos_that_are_no_avi_are_counted_by_their_packets(tmp_path, suffix, codec):
    import av

    path = tmp_path / f"0{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(30))
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "gray" if codec == "ffv1" else "yuv420p"
        for number in range(9):
            image = np.full((48, 64), 20 * number + 30, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, "gray").reformat(format=stream.pix_fmt)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    part = probe(path)
    assert (part.state, part.n_frames, part.width, part.height) == ("whole", 9, 64, 48)
    assert part.pixel_format == ("gray8" if codec == "ffv1" else "yuv")
    assert part.is_lossy == (codec == "mpeg4")
    first = list(read_frames(part))
    assert len(first) == 9
    np.testing.assert_array_equal(list(read_frames_again(part)), first)
    colour = list(read_frames(part, 3, 6, colour=True))
    np.testing.assert_array_equal(list(read_frames_again(part, 3, 6, colour=True)), colour)
    spread = np.ptp(np.array(colour, int), axis=3)
    assert spread.max() <= 4  # levels by which lossy chroma misses 128
    if codec == "ffv1":
        truncated = path.read_bytes()[: path.stat().st_size * 2 // 3]
        path.write_bytes(truncated)
        assert 0 < probe(path).n_frames < 9


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [
        *((".mkv", "ffv1", pixels) for pixels in ("gray16le", "gray10le", "bgra", "yuv444p")),
        *((".avi", "png", pixels) for pixels in ("rgb24", "rgba", "gray")),
        (".avi", "rawvideo", "yuv420p"),
        (".mkv", "mjpeg", "yuvj422p"),
    ],
)
def test_other_samples_are_kept_by_both_decoders(tmp_path, suffix, codec, pixels):
    import av

    path = tmp_path / f"0{suffix}"
    rng = np.random.default_rng(5)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for _ in range(4):
            picture = av.VideoFrame(64, 48, pixels)
            for plane in picture.planes:
                data = rng.integers(0, 256, plane.buffer_size, dtype=np.uint8)
                if pixels == "gray10le":
                    data[1::2] &= 3
                plane.update(data.tobytes())
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    part = probe(path)
    is_colour = "gray" not in pixels
    assert (part.state, part.n_frames) == ("whole", 4)
    assert part.is_lossy == (codec == "mjpeg")
    first = list(read_frames(part, colour=is_colour))
    np.testing.assert_array_equal(list(read_frames_again(part, colour=is_colour)), first)
    assert first[0].shape == ((48, 64, 3) if is_colour else (48, 64))
    assert first[0].dtype == (np.uint16 if pixels in ("gray16le", "gray10le") else np.uint8)
    assert np.ptp(first[0]) > {"gray16le": 60_000, "gray10le": 1000}.get(pixels, 200)


def test_levels_of_studio_range_are_spread():
    planes = (np.array([[16, 235, 126]], np.uint8),) + (np.full((1, 3), 128, np.uint8),) * 2
    found = Picture("yuv", planes, is_full_range=False).rgb()
    np.testing.assert_array_equal(found[0, :, 0], [0, 255, 128])


def test_sixteen_bits_have_no_colour():
    with pytest.raises(RecordingError, match="16-bit"):
        Picture("grey", (np.zeros((4, 6), np.uint16),)).rgb()


def test_real_recordings_decode_alike(real_data):
    videos = sorted((real_data / "qt").rglob("*.avi"))
    assert videos
    for path in videos:
        part = probe(path)
        is_camera = "BehavCam" in str(path)
        assert (part.state, part.n_frames, part.header_frames) == ("whole", 5, 5)
        assert part.fourcc == ("MJPG" if is_camera else "FFV1")
        # the program wrote grey pictures into a file with colour channels
        assert part.pixel_format == ("yuv" if is_camera else "bgr24")
        assert is_grey(part)
        for colour in (False, True):
            first = list(read_frames(part, colour=colour))
            np.testing.assert_array_equal(list(read_frames_again(part, colour=colour)), first)


def test_opencv_sees_the_same_real_frames(real_data):
    import cv2

    for path in sorted((real_data / "qt").rglob("Miniscope/*.avi")):
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        for frame_ in read_frames(probe(path)):
            np.testing.assert_array_equal(capture.read()[1][:, :, 0], frame_)


def test_empty_chunks_of_a_real_movie_are_no_frames(real_data):
    part = probe(real_data / "onephoton" / "movie_part1_108x122x200.avi")
    assert (part.n_frames, part.header_frames, part.fourcc) == (100, 200, "mp4v")
    first = list(read_frames(part))
    assert len(first) == 100
    np.testing.assert_array_equal(list(read_frames_again(part)), first)
